"""Every URL of the web door in one table, with what each needs. A test walks it with every role."""

from fileshare.domain.access import Action
from fileshare.web import (
    account_pages,
    changes,
    file_pages,
    folders,
    form_uploads,
    log_pages,
    moving,
    pages,
    raw_uploads,
    session_pages,
    transfer_pages,
    trash_pages,
    upload_pages,
    user_pages,
)
from fileshare.web.api.table import ENDPOINTS
from fileshare.web.guards import Open, Row
from fileshare.web.health import healthz
from fileshare.web.metrics import metrics
from fileshare.web.static import static_file
from fileshare.web.tus.creation import create
from fileshare.web.tus.protocol import PREFIX, options
from fileshare.web.tus.resource import resource

TABLE: tuple[Row, ...] = (
    Row("GET", "/", pages.home, Open.EVERYONE),
    Row("GET", "/healthz", healthz, Open.EVERYONE),
    Row("GET", "/metrics", metrics, Open.NEARBY),
    Row("GET", "/static/{fingerprint}/{name:.+}", static_file, Open.EVERYONE),
    # Sessions
    Row("GET", "/login", session_pages.login_page, Open.EVERYONE),
    Row("POST", "/login", session_pages.log_in, Open.EVERYONE),
    Row("GET", "/logout", session_pages.logout_page, Open.MEMBERS),
    Row("POST", "/logout", session_pages.log_out, Open.MEMBERS),
    # One's own account
    Row("GET", "/account", account_pages.account_page, Open.MEMBERS),
    Row("GET", "/account/password", account_pages.password_page, Open.MEMBERS),
    Row("POST", "/account/password", account_pages.change_password, Open.MEMBERS),
    Row("POST", "/account/sessions/end", account_pages.end_session, Open.MEMBERS),
    Row("POST", "/account/sessions/end-others", account_pages.end_other_sessions, Open.MEMBERS),
    Row("POST", "/account/uploads/abort", account_pages.abort_upload, Open.MEMBERS),
    # Everyone's accounts
    Row("GET", "/users", user_pages.users_page, Action.MANAGE_USERS),
    Row("POST", "/users", user_pages.add_user, Action.MANAGE_USERS),
    Row("GET", "/users/{name}", user_pages.user_page, Action.MANAGE_USERS),
    Row("GET", "/users/{name}/{form:" + user_pages.FORMS + "}", user_pages.back, Action.MANAGE_USERS),
    Row("POST", "/users/{name}/role", user_pages.set_role, Action.MANAGE_USERS),
    Row("POST", "/users/{name}/enabled", user_pages.set_enabled, Action.MANAGE_USERS),
    Row("POST", "/users/{name}/password", user_pages.reset_password, Action.MANAGE_USERS),
    Row("POST", "/users/{name}/sessions/end", user_pages.end_session, Action.MANAGE_USERS),
    Row("POST", "/users/{name}/sessions/end-all", user_pages.end_sessions, Action.MANAGE_USERS),
    Row("POST", "/users/{name}/delete", user_pages.delete_user, Action.MANAGE_USERS),
    # Logs
    Row("GET", "/logs", log_pages.logs_page, Action.READ_LOGS),
    Row("GET", "/logs/{source}/download", log_pages.download_log, Action.READ_LOGS),
    Row("GET", "/audit", log_pages.audit_page, Action.READ_AUDIT),
    # What is under way, half done, deleted
    Row("GET", "/transfers", transfer_pages.transfers_page, Action.SEE_TRANSFERS),
    Row("POST", "/transfers/stop", transfer_pages.stop_transfer, Action.STOP_TRANSFERS),
    Row("GET", "/uploads", upload_pages.uploads_page, Action.UPLOAD),
    Row("POST", "/uploads/abort", upload_pages.abort_upload, Action.UPLOAD),
    Row("GET", "/trash", trash_pages.trash_page, Action.RESTORE),
    Row("POST", "/trash/restore", trash_pages.restore, Action.RESTORE),
    Row("GET", "/trash/delete", trash_pages.ask_to_delete, Action.PURGE),
    Row("POST", "/trash/delete", trash_pages.delete, Action.PURGE),
    Row("GET", "/trash/empty", trash_pages.ask_to_empty, Action.PURGE),
    Row("POST", "/trash/empty", trash_pages.empty, Action.PURGE),
    # Changes of files and folders: GET asks, POST asks or acts
    Row("GET", "/folders", changes.new_folder, Action.MKDIR),
    Row("POST", "/folders", changes.new_folder, Action.MKDIR),
    Row("GET", "/rename", changes.rename, Action.MOVE),
    Row("POST", "/rename", changes.rename, Action.MOVE),
    Row("GET", "/move", moving.move, Action.MOVE),
    Row("POST", "/move", moving.move, Action.MOVE),
    Row("GET", "/delete", changes.delete, Action.DELETE),
    Row("POST", "/delete", changes.delete, Action.DELETE),
    Row("POST", "/restore", changes.restore, Action.RESTORE),
    Row("POST", "/download", folders.download_selected, Action.DOWNLOAD),
    # Files and folders
    Row("GET", "/files/", folders.folder, Action.LIST),
    Row("POST", "/files/", form_uploads.post, Action.UPLOAD, streams=True),
    Row("GET", "/files/{folder:.+}/", folders.folder, Action.LIST),
    Row("POST", "/files/{folder:.+}/", form_uploads.post, Action.UPLOAD, streams=True),
    Row("GET", "/files/{path:.+}", file_pages.file, Action.DOWNLOAD),
    Row("PUT", "/files/{path:.+}", raw_uploads.put, Action.UPLOAD, streams=True),
    # Resumable uploads: tus
    Row("OPTIONS", PREFIX, options, Open.EVERYONE),
    Row("POST", PREFIX, create, Action.UPLOAD, streams=True),
    Row("OPTIONS", PREFIX + "{upload}", options, Open.EVERYONE),
    Row("GET", PREFIX + "{upload}", resource, Action.UPLOAD, streams=True),
    Row("PATCH", PREFIX + "{upload}", resource, Action.UPLOAD, streams=True),
    Row("DELETE", PREFIX + "{upload}", resource, Action.UPLOAD, streams=True),
    Row("POST", PREFIX + "{upload}", resource, Action.UPLOAD, streams=True),
    # The JSON API
    *(endpoint.row for endpoint in ENDPOINTS),
)
"""Top to bottom: the first that matches answers."""
