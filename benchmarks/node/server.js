// @tus/server as it comes, told by its arguments: server.js FOLDER. Each upload stands under the name it brings.
import { FileStore } from '@tus/file-store'
import { Server } from '@tus/server'

const server = new Server({
  path: '/files',
  datastore: new FileStore({ directory: process.argv[2] }),
  namingFunction: (_, metadata) => metadata.filename,
})
const listening = server.listen(0, '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${listening.address().port}/files`)
})
