/** For what speaks AWS's protocols on one's own machine, and checks no signature. */
export const LOCAL_CREDENTIALS = { accessKeyId: 'local', secretAccessKey: 'local' }
