#!/usr/bin/env bash
# infra/deploy/migrate.sh STAGE IMAGE_URI [ORDER]: gives the function `migrate` of a stage the image and has it migrate the
# database, before the other functions get that image. ORDER is what it is asked for, as JSON: {"status": true},
# {"down": "<version>"}; without one it applies what the database lacks. A stage that isn't there yet has nothing to migrate.
set -euo pipefail

if [ $# -lt 2 ]; then
  echo "usage: infra/deploy/migrate.sh STAGE IMAGE_URI [ORDER]" >&2
  exit 2
fi
function=stint-$1-migrate image=$2 order=${3:-'{}'}

if ! told=$(aws lambda get-function --function-name "$function" --query Configuration.FunctionName --output text 2>&1); then
  case $told in
  *ResourceNotFoundException*) echo "$function isn't there yet" && exit ;;
  *) echo "$told" >&2 && exit 1 ;;
  esac
fi

aws lambda update-function-code --function-name "$function" --image-uri "$image" --query CodeSha256 --output text >/dev/null
aws lambda wait function-updated-v2 --function-name "$function"

answer=$(mktemp)
trap 'rm -f "$answer"' EXIT
# Asked once: a client that asks again after a minute would only wait for its own first call.
failed=$(AWS_MAX_ATTEMPTS=1 aws lambda invoke --function-name "$function" --cli-read-timeout 910 \
  --cli-binary-format raw-in-base64-out --payload "$order" --query FunctionError --output text "$answer")
cat "$answer"
echo
[ "$failed" = None ] || exit 1
