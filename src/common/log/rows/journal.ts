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
      "Until it starts, clients cannot connect. The gateway waits up to 60 s for that command to end, and then ends " +
      "itself: if the command takes longer, start the gateway again after it",
    fields: { holder: text("the command and its process id") },
  },
  idempotencyKeysUnavailable: {
    level: "error",
    message:
      "Idempotency keys cannot be kept: {reason}. Requests with the header Idempotency-Key get 503 OCSGW-5104 and " +
      "are not sent; all others are served as usual",
    action:
      "Free disk space or repair the disk of audit.dir; the gateway tries again with each such request. A corrupt " +
      "file is never replaced, because a repeated AddRecord could then be carried out twice: restore it, or stop the " +
      "gateway, remove {file} and accept that the keys of the last 24 hours are forgotten",
    fields: { file: text("the database of keys"), reason },
  },
  idempotencyKeysResolved: {
    level: "info",
    message:
      "An earlier run ended before {keys} requests with an Idempotency-Key did: {free} of them were not sent, and " +
      "may be sent again with the same key",
    fields: {
      keys: number("requests whose end was not stored"),
      free: number("those that the journal proves were not sent"),
    },
  },
  startStateUnusable: {
    level: "warn",
    message:
      "The saved start state, which covers the first {size} journal entries, cannot be used: {reason}; the gateway " +
      "read more of the journal instead",
    action:
      "Nothing to do once, as after an update or a change of the checkpoint key: the next checkpoint saves a new " +
      "one. If it repeats, check the disk, and find out who writes to audit.dir/states",
    fields: { size: number("entries that the start state covers"), reason: text("what is wrong with it") },
  },
  startStateNotWritten: {
    level: "warn",
    message: "The start state, which shortens the next start, could not be saved: {error}",
    action:
      "Requests are served as usual, but the next start takes longer. Free disk space or correct the permissions of " +
      "audit.dir; the gateway tries again at each checkpoint",
    fields: { error: error("why it failed") },
  },
  journalTailTruncated: {
    level: "warn",
    message: "The gateway removed an incomplete last line ({bytes} bytes) from the journal's segment {segment}",
    action:
      "Nothing to do: a crash or power loss leaves one. No reply depended on it, unless audit.durability is os and " +
      "the power was lost",
    fields: { segment: text("the segment's file"), bytes: number("length of the removed part") },
  },
  requestsInDoubt: {
    level: "warn",
    message: "{requests} requests from the previous run have no recorded outcome and are marked in doubt",
    action:
      "Their clients got no reply, and OCS may have carried them out. ocsgw audit search -c FILE kind:in-doubt lists " +
      "them; check each one in OCS",
    fields: { requests: number("how many requests") },
  },
  diskFillingUp: {
    level: "warn",
    message: "Disk space: {warning}",
    action:
      "Free space, enlarge the disk, or set a shorter audit.retention. When it is full, requests get 503 OCSGW-5101, " +
      "or are sent without a journal if audit.on_failure is continue. The gateway repeats this line every hour",
    fields: { warning: text("when the disk is full, and how much is written") },
  },
  journalUnavailable: {
    level: "error",
    message: "The journal cannot be written: {reason}",
    action:
      "Until it can be, requests get 503 OCSGW-5101, or are sent without a journal if audit.on_failure is continue. " +
      "Free disk space or repair the disk, or put the folder back; the gateway tries again every second and logs " +
      "journalRecovered. If it has logged journalLockLost, it stops instead",
    fields: { reason },
  },
  journalRecovered: {
    level: "warn",
    message:
      "The journal is writable again after {ms} ms, and requests are served as usual; {buffered} buffered entries " +
      "were written, {lost} were lost",
    action: "If entries were lost, ocsgw audit search -c FILE kind:gap shows when",
    fields: {
      ms: number("how long it could not be written"),
      lost: number("entries that could not be kept"),
      buffered: number("outcomes that were kept in memory meanwhile"),
    },
  },
  journalLockLost: {
    level: "error",
    message:
      "The gateway lost the lock of its journal and stops within 5 s, so that another gateway can take over: {reason}",
    action:
      "Clients cannot connect until a standby takes over or systemd starts this gateway again; if neither happens, " +
      "start it. Find out what removed or replaced audit.dir/lock/writer: a person, a cleanup job, or a network file " +
      "system",
    fields: { reason: text("how it was noticed") },
  },
  clockStepped: {
    level: "warn",
    message:
      "The system clock is {ms} ms ahead of the journal's time (negative: behind it): it was set, or the gateway was " +
      "off for a day or more. Requests are served as usual",
    action:
      "Check that the clock is right, and the time synchronization (NTP) of this machine. After a day or more ahead " +
      "nothing expired is deleted until the clock is confirmed: if it is right, run ocsgw audit retention -c FILE " +
      "--confirm-clock",
    fields: { ms: number("milliseconds by which the clock is ahead; negative where it is behind") },
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
    message: "Expired entries remain in the journal, while requests are served as usual: {reason}",
    action:
      "Remove the cause. A damaged segment: restore it from a backup, or run ocsgw audit set-aside -c FILE SEGMENT. " +
      "The gateway tries again every 6 hours and repeats this line; the journal grows until then",
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
    message:
      "A segment of the journal was not compressed and uses more disk space; requests are served as usual: {reason}",
    action:
      "If the reason is the disk, free space or repair it. If it is that lines were deleted, damaged or do not " +
      "match, run ocsgw audit verify -c FILE, and see journalDamaged. The gateway tries again every 15 minutes",
    fields: { reason },
  },
  hashTilesNotWritten: {
    level: "error",
    message: "The journal's hash tree could not be extended on disk; requests are served as usual: {reason}",
    action:
      "Free disk space or check the disk; if hashes are missing, run ocsgw audit verify -c FILE. The gateway tries " +
      "again every 15 minutes; until then exports of a bundle take longer",
    fields: { reason },
  },
  searchIndexNotBuilt: {
    level: "error",
    message:
      "The search indexes of the journal could not be built; requests are served as usual, but searches take longer " +
      "or fail: {reason}",
    action:
      "Free disk space or check the disk; if the reason names a damaged line, run ocsgw audit verify -c FILE. The " +
      "gateway tries again every 15 minutes, and so does the next search",
    fields: { reason },
  },
  indexKeyChecksNotCopied: {
    level: "warn",
    message:
      "The journal is unaffected, but index-keys.json in audit.dir, from which ocsgw check knows the index keys, " +
      "could not be written: {error}",
    action:
      "Requests are served as usual, but ocsgw check cannot tell whether the config has the index keys of this " +
      "journal. Free disk space or correct the permissions of audit.dir; the gateway tries again at the next start",
    fields: { error: error("why it failed") },
  },
  journalDamaged: {
    level: "error",
    message:
      "The journal is damaged or was changed; requests are served and journaled as usual, but searches and exports " +
      "of damaged entries fail: {damage}",
    action:
      "Run ocsgw audit verify -c FILE to see the extent. If somebody may have changed it, copy audit.dir first. " +
      "Restore the named segment from a backup; without a backup run ocsgw audit set-aside -c FILE SEGMENT",
    fields: { damage: text("segment, line or checkpoint, and what is wrong") },
  },
  backgroundVerifyFailed: {
    level: "warn",
    message: "Old journal entries could not be verified; requests are served as usual: {reason}",
    action: "Check the disk; the gateway tries again within an hour and repeats this line",
    fields: { reason },
  },
  verifiedMarkNotWritten: {
    level: "warn",
    message:
      "The file audit.dir/verified, which records how far the journal was verified, could not be written: {error}",
    action:
      "Requests are served as usual, but after a start the gateway verifies more entries again. Free disk space or " +
      "correct the permissions of audit.dir; the gateway tries again when it has verified more",
    fields: { error: error("why it failed") },
  },
  verifiedMarkNotRemoved: {
    level: "warn",
    message:
      "The file audit.dir/verified could not be removed, though it says that damaged entries are verified: {error}. " +
      "Requests are served as usual",
    action:
      "Correct the permissions of audit.dir. The gateway tries again every minute and repeats this line until it " +
      "works. If the gateway stops before that, delete the file: with it, the next start does not read these entries " +
      "again for up to a day. For the damage see journalDamaged",
    fields: { error: error("why it failed") },
  },
  exportsNotRemoved: {
    level: "warn",
    message:
      "The folder of exports could not be examined or cleaned, so expired exports may still be there; requests are " +
      "served as usual: {error}",
    action:
      "Correct the permissions of admin.exports.dir (default: exports in audit.dir) or free its disk. Old exports " +
      "contain journal entries and count against admin.exports.max_size: remove those that the console does not " +
      "list, or restart the gateway, which removes all exports",
    fields: { error: error("why it failed") },
  },
  lookUpsLimited: {
    level: "warn",
    message: "{user} has looked up so many people within an hour that no more are allowed",
    action:
      "Ask for the reason; the journal has each look-up with its purpose, and an alarm. Others are not affected, and " +
      "look-ups are allowed again as the hour passes; admin.look_ups is the limit",
    fields: { user: text("the user of the console") },
  },
  verificationNotJournaled: {
    level: "warn",
    message:
      "The result of a verification that somebody started is missing from the journal for good: {error}. The console " +
      "still shows it",
    action: "Free disk space or correct the permissions of audit.dir, then start the verification again",
    fields: { error: error("why it failed") },
  },
  proofNotJournaled: {
    level: "warn",
    message:
      "The result of a proof of isolation is missing from the journal for good: {error}. The console still shows it",
    action: "Free disk space or correct the permissions of audit.dir, then start the proof again",
    fields: { error: error("why it failed") },
  },
} as const satisfies EventRows;
