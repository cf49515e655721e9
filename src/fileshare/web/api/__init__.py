"""The JSON API under `/api/v1`: one module for each noun, all of them in `table.ENDPOINTS`."""
