// tus-js-client as it is, told by its arguments: upload.js ENDPOINT FILE OPTIONS. Prints the upload's URL.
import { createReadStream } from 'node:fs'
import { PassThrough } from 'node:stream'
import { Upload } from 'tus-js-client'

const [endpoint, file, options] = process.argv.slice(2)
const told = JSON.parse(options)

// Of a file with a name the client announces whole pieces and then sends a shorter last one, and waits for ever;
// a length that comes later is meant for streams anyway.
const source = createReadStream(file)
const upload = new Upload(told.deferred ? source.pipe(new PassThrough()) : source, {
  endpoint,
  headers: told.headers,
  metadata: told.metadata,
  chunkSize: told.chunkSize || Infinity,
  parallelUploads: told.parallel || 1,
  uploadLengthDeferred: told.deferred || false,
  overridePatchMethod: told.override || false,
  retryDelays: Array(20).fill(50),
  onSuccess: () => console.log(upload.url),
  onError: (error) => {
    console.error(String(error))
    process.exitCode = 1
  },
})
upload.start()
