// Applies the patches at the end of `npm ci`, and again whenever npm installs this folder from elsewhere, as the first `npx stint`
// does: then patch-package isn't told whether the packages for development were left out. Called production, it passes over
// one of those that isn't there; any other that is missing, and any patch that doesn't fit, remains an error.
process.env.NODE_ENV = 'production'
process.argv.push('--error-on-fail', '--error-on-warn')
await import('patch-package')
