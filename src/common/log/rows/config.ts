/** Events of the config and the standby: warnings, reloads, watched files, takeover. */
import { error, list, number, text, type EventRows } from "../event-row.ts";

const hashes = {
  before: text("SHA-256 of the config that was in force before"),
  after: text("SHA-256 of the config that is in force now"),
  changes: list("what changed; a long list is shortened"),
} as const;

export const CONFIG_EVENTS = {
  configWarning: {
    level: "warn",
    message: "The config is valid, with a warning at {where}: {problem}",
    action: "ocsgw check -c FILE --all shows every warning with what to do",
    fields: { where: text("file:line:column"), problem: text("what the warning is about") },
  },
  configReloaded: {
    level: "info",
    message: "Reloaded the config; the new config is in force",
    fields: hashes,
  },
  filesReloaded: {
    level: "info",
    message: "Reloaded the files that the config names; the config itself is unchanged",
    fields: hashes,
  },
  configRejected: {
    level: "error",
    message: "Config reload rejected; the running config is unchanged: {where} {problem}",
    action:
      "Correct the file and run ocsgw reload -c FILE; ocsgw check -c FILE shows every problem. Until a reload is " +
      "accepted, ocsgw status -c FILE shows this warning",
    fields: {
      where: text("file:line:column of the first problem"),
      problem: text("the first problem, with its code"),
      more: number("how many more problems there are"),
    },
  },
  configSnapshotNotWritten: {
    level: "warn",
    message: "The masked copy of the config in force could not be written: {error}",
    action:
      "Requests are served as usual, but the console cannot compare this config with later ones. Free disk space or " +
      "correct the permissions of audit.dir/configs; the gateway tries again at the next reload or start",
    fields: { error: error("why"), hash: text("SHA-256 of the config") },
  },
  reloadDelayed: {
    level: "info",
    message: "Changed files remove {removes}; the gateway reloads them once they have not changed for {ms} ms",
    action: "To apply the change now, run ocsgw reload -c FILE",
    fields: { removes: list("what would be removed"), ms: number("how long the files must stay unchanged") },
  },
  fileWatchUnavailable: {
    level: "warn",
    message:
      "The folder {folder} cannot be watched: changes of files in it come into force up to 30 s later, because the " +
      "gateway checks them only that often",
    action:
      "Check that the gateway may read the folder; if it may, raise the system's limits of file watches (on Linux: " +
      "sysctl fs.inotify.max_user_watches and max_user_instances). The gateway tries again every 30 s and does not " +
      "repeat this line; to apply a change at once, run ocsgw reload -c FILE",
    fields: { folder: text("the folder") },
  },
  tenantsCacheNotWritten: {
    level: "warn",
    message: "The cache of parsed tenants.d files (tenants.cache in audit.dir) could not be written: {error}",
    action:
      "Requests are served as usual, but a start without the cache parses all files and takes longer. Free disk " +
      "space or correct the permissions; the gateway writes the cache at the next reload or start",
    fields: { error: error("why it failed") },
  },
  standbyWaiting: {
    level: "info",
    message:
      "This gateway is a standby: it serves no requests, and waits for the journal lock of {dir}, held by {holder}",
    fields: { dir: text("audit.dir"), holder: text("the process that holds the lock") },
  },
  standbyTookOver: {
    level: "warn",
    message:
      "This standby has the journal lock of {dir} now, and starts: it serves requests once its listeners are open " +
      "(event listening)",
    action:
      "Find out why the other gateway stopped, and start it again as a standby. Where handles need an owner, " +
      "requests with them get 503 OCSGW-5103 until OCS announces the records, or a registrar registers the handles, " +
      "again",
    fields: { dir: text("audit.dir") },
  },
  standbyConfigRejected: {
    level: "error",
    message:
      "The config file cannot be used for the takeover, so this gateway takes over with the config that it had when " +
      "it began to wait: {reason}",
    action:
      "Correct the file and run ocsgw reload -c FILE. If audit.dir, admin.probes or the sockets of systemd changed, " +
      "restart this gateway instead",
    fields: {
      reason: text("the first problems of the file, or what must not change while a standby waits"),
    },
  },
  standbyProbesUnavailable: {
    level: "warn",
    message: "This standby cannot open admin.probes yet, so load balancers cannot probe it: {error}",
    action:
      "If the active gateway runs on this machine with the same config, do nothing; otherwise free the address. The " +
      "standby waits and takes over all the same; it retries every second and does not repeat this line",
    fields: { error: error("why the address cannot be opened") },
  },
} as const satisfies EventRows;
