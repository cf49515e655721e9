"""tuspy as it is, told by its arguments: tuspy_upload.py ENDPOINT FILE OPTIONS. Prints the upload's URL.

It keeps a whole chunk in memory, so a big file needs a chunk size.
"""

import json
import sys

from tusclient.client import TusClient

endpoint, file, options = sys.argv[1:]
told = json.loads(options)
uploader = TusClient(endpoint, headers=told["headers"]).uploader(
    file,
    chunk_size=told.get("chunkSize") or sys.maxsize,
    metadata=told["metadata"],
    retries=20,
    retry_delay=told.get("retryDelay", 0.05),
    upload_checksum=told.get("checksum", False),
)
uploader.upload()
sys.stdout.write(f"{uploader.url}\n")
