import { render } from 'preact'
import './style/tokens.css'
import './style/base.css'
import './style/controls.css'
import './style/shell.css'
import './style/table.css'
import './style/parts.css'
import './style/forms.css'
import './style/job.css'
import './style/overview.css'
import './style/pages.css'
import { App } from './app.tsx'
import { resume } from './data/session.ts'
import { applyTheme } from './data/theme.ts'

applyTheme()
const root = document.getElementById('app')
if (root) render(<App />, root)
void resume()
