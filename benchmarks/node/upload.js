// tus-js-client as it comes, told by its arguments: upload.js ENDPOINT FILE NAME.
import { createReadStream } from 'node:fs'
import { Upload } from 'tus-js-client'

const [endpoint, file, filename] = process.argv.slice(2)
new Upload(createReadStream(file), {
  endpoint,
  metadata: { filename },
  retryDelays: null,
  onError: (error) => {
    console.error(String(error))
    process.exitCode = 1
  },
}).start()
