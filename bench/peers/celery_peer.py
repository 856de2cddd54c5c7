"""FastAPI and Celery: the server (`uvicorn celery_peer:api`) and the worker (`celery -A celery_peer worker`)."""

import os
import time

from celery import Celery
from fastapi import FastAPI, Request
from redis import Redis

PORT = os.environ["BENCH_REDIS_PORT"]

app = Celery("peer", broker=f"redis://127.0.0.1:{PORT}/0", backend=f"redis://127.0.0.1:{PORT}/1")
app.conf.update(
    worker_prefetch_multiplier=128,
    broker_connection_retry_on_startup=True,
    task_track_started=False,
    result_expires=86400,
)
api = FastAPI()


@app.task
def noop(data):
    return {"steps": 0, "echo": data["echo"], "at": time.time() * 1000}


@api.post("/jobs", status_code=202)
async def submit(request: Request):
    body = await request.json()
    return {"job": {"id": noop.delay(body["input"]).id}}


@api.post("/many")
def submit_many(body: dict):
    with app.producer_or_acquire() as producer:
        for _ in range(body["jobs"]):
            noop.apply_async((body["data"],), producer=producer)
    return {}


@api.get("/left")
def left():
    redis = Redis(port=int(PORT), db=0)
    return {"count": redis.llen("celery") + redis.hlen("unacked")}


@api.post("/ended")
def ended(body: dict):
    return {id: app.AsyncResult(id).result["at"] for id in body["ids"]}
