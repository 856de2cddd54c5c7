import { Empty } from '../parts/empty.tsx'
import { Page } from '../parts/page.tsx'

export const NotFound = () => (
  <Page title="Nothing here">
    <Empty title="This page does not exist.">
      <a class="button" href="/">
        Go to the overview
      </a>
    </Empty>
  </Page>
)
