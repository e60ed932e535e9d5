/** Events of the journal: opening, writing, locking, deleting, compressing, verifying. */
import { error, number, text, type EventRows } from "../event-row.ts";

const reason = text("why it failed");

export const JOURNAL_EVENTS = {
  journalOpened: {
    level: "info",
    message: "Opened the journal in {dir}: it has {size} entries, and this start read the last {read} of them",
    fields: {
      dir: text("audit.dir"),
      size: number("entries in the journal"),
      read: number("entries read at this start: those after the saved start state"),
    },
  },
  journalHeldByCommand: {
    level: "warn",
    message: "The start is delayed: {holder} has the journal open",
    action:
      "The gateway waits up to 60 s for that command to end, and then gives up: if it takes longer, start the " +
      "gateway again after it",
    fields: { holder: text("the command and its process id") },
  },
  startStateUnusable: {
    level: "warn",
    message:
      "The saved start state, which covers the first {size} journal entries, cannot be used: {reason}; the gateway " +
      "read more of the journal instead",
    action: "Nothing to do once: the next checkpoint saves a new one. If it repeats, check the disk",
    fields: { size: number("entries that the start state covers"), reason: text("what is wrong with it") },
  },
  startStateNotWritten: {
    level: "warn",
    message: "The start state, which shortens the next start, could not be saved: {error}",
    action: "Free disk space or correct the permissions of audit.dir; until then the next start takes longer",
    fields: { error: error("why it failed") },
  },
  journalTailTruncated: {
    level: "warn",
    message: "The gateway removed an incomplete last line ({bytes} bytes) from the journal's segment {segment}",
    action: "Nothing to do: a crash or power loss leaves one, and no reply depended on it",
    fields: { segment: text("the segment's file"), bytes: number("length of the removed part") },
  },
  requestsInDoubt: {
    level: "warn",
    message: "{requests} requests from the previous run have no recorded outcome and are marked in doubt",
    action: "ocsgw audit search -c FILE kind:in-doubt lists them; check in OCS whether it carried them out",
    fields: { requests: number("how many requests") },
  },
  diskFillingUp: {
    level: "warn",
    message: "Disk space: {warning}",
    action:
      "Free space or enlarge the disk. When it is full, requests get 503 OCSGW-5101, or are sent without a journal " +
      "if audit.on_failure is continue",
    fields: { warning: text("when the disk is full, and how much is written") },
  },
  journalUnavailable: {
    level: "error",
    message: "The journal cannot be written: {reason}",
    action:
      "Free disk space or repair the disk; the gateway recovers by itself. Until then requests get 503 OCSGW-5101, " +
      "or are sent without a journal if audit.on_failure is continue",
    fields: { reason },
  },
  journalRecovered: {
    level: "warn",
    message: "The journal is writable again after {ms} ms; {buffered} buffered entries were written, {lost} were lost",
    action: "If entries were lost, ocsgw audit search -c FILE kind:gap shows when",
    fields: {
      ms: number("how long it could not be written"),
      lost: number("entries that could not be kept"),
      buffered: number("outcomes that were kept in memory meanwhile"),
    },
  },
  journalLockLost: {
    level: "error",
    message: "The gateway lost the lock of its journal and stops, so that another gateway can take over: {reason}",
    action:
      "A standby takes over, or systemd starts this gateway again; if neither happens, start it. Find out what " +
      "removed or replaced audit.dir/lock/writer: a person, a cleanup job, or a network file system",
    fields: { reason: text("how it was noticed") },
  },
  clockStepped: {
    level: "warn",
    message: "The system clock jumped by {ms} ms (positive: forward, negative: back)",
    action:
      "Check the time synchronization (NTP) of this machine; requests are served as usual. After a jump forward of " +
      "a day or more nothing expired is deleted until the clock is confirmed: ocsgw audit retention -c FILE shows " +
      "that, and with --confirm-clock confirms that the clock is right now",
    fields: { ms: number("milliseconds forward, or back where negative") },
  },
  entriesDeleted: {
    level: "info",
    message:
      "Retention deleted {segments} segments of expired entries; the oldest entry in the journal is now entry {to}",
    fields: {
      from: number("index of the first deleted entry"),
      to: number("index of the first entry that was kept"),
      segments: number("how many segments were deleted"),
    },
  },
  entriesDeletedByKind: {
    level: "info",
    message:
      "Retention deleted {entries} entries from {segments} segments, because their kind has a shorter time in " +
      "audit.retention, and kept the other entries of these segments",
    fields: { entries: number("how many entries"), segments: number("how many segments were written again") },
  },
  retentionFailed: {
    level: "error",
    message: "Retention stopped and expired entries remain, while requests are served as usual: {reason}",
    action: "Remove the cause; the gateway tries again within 6 hours, and the journal grows until then",
    fields: { reason },
  },
  segmentsCompressed: {
    level: "info",
    message: "Compressed {segments} segments of the journal from {before} to {after} bytes",
    fields: {
      segments: number("how many segments"),
      before: number("bytes before"),
      after: number("bytes after"),
    },
  },
  compressionFailed: {
    level: "error",
    message: "A segment of the journal could not be compressed: {reason}",
    action: "Check the disk and its free space. The segment stays readable, and the gateway tries again",
    fields: { reason },
  },
  hashTilesNotWritten: {
    level: "error",
    message: "The journal's hash tree could not be extended on disk: {reason}",
    action: "Free disk space or check the disk; until then ocsgw audit export takes longer to write a bundle",
    fields: { reason },
  },
  searchIndexNotBuilt: {
    level: "error",
    message: "The search indexes of the journal could not be built: {reason}",
    action: "Check the disk and its free space. The next search builds them and takes longer",
    fields: { reason },
  },
  indexKeyChecksNotCopied: {
    level: "warn",
    message:
      "The journal is unaffected, but index-keys.json in audit.dir, from which ocsgw check knows the index keys, " +
      "could not be written: {error}",
    action:
      "Free disk space or correct the permissions of audit.dir; until then ocsgw check cannot tell whether the " +
      "config has the index keys of this journal",
    fields: { error: error("why it failed") },
  },
  journalDamaged: {
    level: "error",
    message: "Old journal entries are damaged: {damage}; requests are served and journaled as usual",
    action:
      "Run ocsgw audit verify -c FILE to see the extent; restore the segment from a backup, or use ocsgw audit " +
      "set-aside -c FILE if there is no backup",
    fields: { damage: text("segment, line and what is wrong") },
  },
  backgroundVerifyFailed: {
    level: "warn",
    message: "Old journal entries could not be verified: {reason}",
    action: "Check the disk; the gateway tries again in an hour",
    fields: { reason },
  },
  verifiedMarkNotWritten: {
    level: "warn",
    message: "The file that records how far the journal was verified could not be written: {error}",
    action:
      "Free disk space or correct the permissions of audit.dir; until then the gateway verifies more entries again " +
      "after each start",
    fields: { error: error("why it failed") },
  },
  exportsNotRemoved: {
    level: "warn",
    message: "Files of exports could not be removed: {error}",
    action:
      "Remove the folders in admin.exports.dir (default: exports in audit.dir) yourself, and correct its permissions",
    fields: { error: error("why it failed") },
  },
  lookUpsLimited: {
    level: "warn",
    message: "{user} has looked up so many people within an hour that no more are allowed",
    action:
      "Ask for the reason; the journal has each look-up with its purpose, and an alarm. admin.look_ups is the limit",
    fields: { user: text("the user of the console") },
  },
  verificationNotJournaled: {
    level: "warn",
    message: "The end of a verification that somebody had started could not be journaled: {error}",
    action: "Free disk space or correct the permissions of audit.dir, then start the verification again",
    fields: { error: error("why it failed") },
  },
  proofNotJournaled: {
    level: "warn",
    message: "The end of a proof of isolation could not be journaled: {error}",
    action: "Free disk space or correct the permissions of audit.dir, then start the proof again",
    fields: { error: error("why it failed") },
  },
} as const satisfies EventRows;
