// Says at the end of `npm ci` if what it brought can't run the project, and not at the first command, where Node 20 calls each
// TypeScript file an unknown extension.
const NEEDED = 24

if (Number.parseInt(process.versions.node, 10) < NEEDED) {
  console.error(`Stint runs on Node ${NEEDED}, and this is Node ${process.versions.node} (${process.platform}, ${process.arch}).
npm brings Node ${NEEDED} as an optional package, for Linux, macOS and Windows on x64, and for Linux and macOS on arm64.
Run npm ci without --omit=optional, or install Node ${NEEDED}.`)
  process.exitCode = 1
}
