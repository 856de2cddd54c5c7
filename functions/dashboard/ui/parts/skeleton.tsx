/** A placeholder for lines that are being loaded, as high as they will be. */
export const Skeleton = ({ lines }: { lines: number }) => (
  <div class="skeleton" aria-busy="true" role="status">
    <span class="unseen">Loading</span>
    {Array.from({ length: lines }, (_, nth) => (
      <i key={nth} />
    ))}
  </div>
)
