/**
 * One function per thing worth telling an operator. Lines go to stderr, as JSON unless people read
 * them (`OCSGW_LOG_FORMAT`); none carries a phone, a customer id, a field or a credential.
 * `OCSGW_LOG` sets the level (info when it is not set or empty; silent turns it off).
 */
import { pino, type Level } from "pino";
import { humanLine, isForPeople } from "./events/human-line.ts";
import { stderrSink } from "./events/sink.ts";
import { faultInWords, isSystemError } from "./system-error.ts";

const LEVELS = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const satisfies readonly (
  | Level
  | "silent"
)[];

const wanted = (process.env["OCSGW_LOG"] ?? "").trim();
const level = wanted === "" ? "info" : LEVELS.find((each) => each === wanted.toLowerCase());

const sink = stderrSink({ caughtUp: (lines) => events.logDropped(lines) });

const isHuman = isForPeople();

/** Said with the first line, and not by a command that writes none. */
let isUnsaid = level === undefined;
const write = (line: string): void => {
  if (isUnsaid) {
    isUnsaid = false;
    log.warn({ OCSGW_LOG: wanted }, `OCSGW_LOG is none of ${LEVELS.join(", ")}; info is used`);
  }
  sink.write(isHuman ? humanLine(line) : line);
};

const log = pino({ name: "ocsgw", level: level ?? "info", timestamp: pino.stdTimeFunctions.isoTime }, { write });

/** Lines that nobody took from stderr in time, since the start. */
export const droppedLogLines = (): number => sink.dropped();

/** Only what an error says about itself: messages of the platform may hold a piece of the input. */
const plain = (error: unknown): { name: string; code?: string; stack?: string } =>
  error instanceof Error
    ? {
        name: error.name,
        ...(isSystemError(error)
          ? { says: faultInWords(error) }
          : "code" in error && typeof error.code === "string" && { code: error.code }),
        ...(error.stack !== undefined && {
          stack: error.stack
            .split("\n")
            .filter((line) => line.startsWith("    at "))
            .slice(0, 8)
            .join("\n"),
        }),
      }
    : { name: typeof error };

export const events = {
  /** `passed`: systemd listens there, and goes on listening when the gateway ends. */
  listening: (listener: string, address: string, passed: boolean): void =>
    log.info({ listener, address, ...(passed && { socket: "passed by systemd" }) }, "listening"),
  serviceManagerNotTold: (error: unknown): void =>
    log.error(
      { error: plain(error) },
      "systemd was not told the state of the gateway (systemd-notify); a unit with Type=notify takes that for a failed start",
    ),
  socketsOfAnother: (owner: number, own: number): void =>
    log.warn(
      { owner, own },
      "systemd passed sockets to another process (LISTEN_PID), so the gateway opens its addresses itself: ExecStart= must start node directly",
    ),
  stopping: (reason: string): void => log.info({ reason }, "draining"),
  stopped: (): void => log.info("stopped"),
  signalIgnored: (signal: string): void =>
    log.warn({ signal }, "this signal is ignored; SIGHUP reads the config again, SIGTERM stops"),
  settingsWarning: (where: string, message: string): void => log.warn({ where }, message),
  configReloaded: (before: string, after: string, changes: readonly string[]): void =>
    log.info({ before, after, changes }, "the config file was read again and is in force"),
  configRefused: (where: string, message: string, more: number): void =>
    log.error({ where, more }, `the config file was read again and refused; what was in force stays: ${message}`),
  configWaits: (removes: readonly string[], ms: number): void =>
    log.info(
      { removes, ms },
      "changed files take something away; that comes into force when they have not changed for a while, or with ocsgw reload",
    ),
  tenantsNotKept: (error: unknown): void =>
    log.warn(
      { error: plain(error) },
      "what was parsed of tenants.d could not be kept; the next start parses all of it",
    ),
  filesUnwatched: (folder: string): void =>
    log.warn({ folder }, "changes of files in this folder are noticed within 30 s only"),
  waitsForCommand: (holder: string): void =>
    log.warn({ holder }, "A command has the journal open; the gateway starts when it has ended"),
  standingBy: (dir: string, holder: string): void =>
    log.info({ dir, holder }, "This gateway is a standby and waits for the lock of the journal"),
  leading: (dir: string): void => log.warn({ dir }, "This gateway holds the lock of the journal now and takes over"),
  standbyConfigKept: (reason: string): void =>
    log.error(
      { reason },
      "The config file cannot be used for the takeover; the one that the standby started with is in force",
    ),
  probesTaken: (error: unknown): void =>
    log.warn(
      { error: plain(error) },
      "The address of admin.probes cannot be used yet, so nobody can probe this standby; it is tried again every second",
    ),
  /** `read`: how many lines of it were read, those above the start state. */
  journalOpened: (dir: string, size: number, read: number): void => log.info({ dir, size, read }, "journal opened"),
  startStatePassedOver: (size: number, reason: string): void =>
    log.warn({ size, reason }, "a start state of the journal cannot be used; an older one was, or every line was read"),
  startStateFailed: (error: unknown): void =>
    log.warn(
      { error: plain(error) },
      "the start state beside a checkpoint could not be written; a start reads the lines above the one before",
    ),
  journalTailCut: (segment: string, bytes: number): void =>
    log.warn({ segment, bytes }, "a torn last line was cut from the journal"),
  journalDoubts: (intents: number): void =>
    log.warn(
      { intents },
      "requests of the run before have no outcome: they are in doubt, and their ids are in the journal",
    ),
  diskFillsUp: (warning: string): void => log.warn(warning),
  journalBroken: (reason: string): void => log.error({ reason }, "the journal cannot be written"),
  lockLost: (reason: string): void =>
    log.error(
      { reason },
      "the gateway has lost the lock of its journal and stops, so that another gateway can take over",
    ),
  journalMended: (ms: number, lost: number, owed: number): void =>
    log.warn({ ms, lost, owed }, "the journal is written again"),
  clockStepped: (ms: number): void => log.warn({ ms }, "the clock was set"),
  entriesRetired: (from: number, to: number, segments: number): void =>
    log.info({ from, to, segments }, "entries whose time is over were deleted"),
  segmentsCompressed: (segments: number, before: number, after: number): void =>
    log.info({ segments, before, after }, "segments of the journal were compressed"),
  tilesFailed: (reason: string): void =>
    log.error({ reason }, "the nodes above the journal's leaf hashes could not be written; bundles take longer"),
  indexFailed: (reason: string): void =>
    log.error(
      { reason },
      "the search indexes of the journal's segments were not made; the next search makes them, and takes longer",
    ),
  compressionFailed: (reason: string): void => log.error({ reason }, "a segment of the journal was not compressed"),
  retentionFailed: (reason: string): void => log.error({ reason }, "entries whose time is over could not be deleted"),
  secondPlaceAway: (place: string, reason: string): void =>
    log.error({ place, reason }, "checkpoints do not reach their second place; they wait"),
  secondPlaceEmptied: (place: string): void =>
    log.warn(
      { place },
      "a second place of the checkpoints was removed or emptied: earlier checkpoints are no longer there",
    ),
  witnessAway: (witness: string, reason: string): void =>
    log.error(
      { witness, reason },
      "a witness does not cosign the journal's checkpoints; the newest one is offered again",
    ),
  witnessBack: (witness: string): void => log.info({ witness }, "a witness cosigns the journal's checkpoints again"),
  witnessLost: (witness: string, before: number, now: number): void =>
    log.warn(
      { witness, before, now },
      "a witness remembers less than it has cosigned: its record was lost, or set back to a copy",
    ),
  /** `size`: entries that the witness names; `own`: of the checkpoint that it was asked about. */
  witnessDisagrees: (reason: string, witness: string, size: number, own: number): void =>
    log.error({ witness, size, own }, reason),
  witnessQuorum: (isMet: boolean, needed: number, cosigning: number): void =>
    log[isMet ? "info" : "error"](
      { needed, cosigning },
      isMet ? "enough witnesses cosign the journal again" : "too few witnesses cosign the journal; requests go on",
    ),
  timestampAway: (url: string, reason: string): void =>
    log.error(
      { url, reason },
      "the time stamping authority gives no timestamp; the newest checkpoint is offered again",
    ),
  timestampBack: (url: string): void => log.info({ url }, "the time stamping authority gives timestamps again"),
  anchorNotWritten: (reason: string): void =>
    log.error({ reason }, "the anchor could not be written; the next checkpoint tries again"),
  journalWarning: (what: string): void => log.warn(what),
  secondPlaceBack: (place: string): void => log.info({ place }, "checkpoints reach their second place again"),
  /** `what`: names segment and line. */
  journalDamaged: (what: string): void =>
    log.error(
      { what },
      "old entries of the journal are damaged; the gateway goes on, and ocsgw audit verify tells more",
    ),
  rereadingFailed: (reason: string): void =>
    log.warn({ reason }, "old entries of the journal could not be read again; it is tried in an hour"),
  markFailed: (error: unknown): void =>
    log.warn({ error: plain(error) }, "the mark that says up to where the journal was verified could not be written"),
  checkpointKeyMade: (file: string, verifier_key: string): void =>
    log.info(
      { file, verifier_key },
      "the key that signs the journal was made: keep a copy of its file, and give auditors its verifier key",
    ),
  checkpointFailed: (error: unknown): void => log.error({ error: plain(error) }, "a checkpoint could not be written"),
  keySkipped: (issuer: string, reason: string): void => log.warn({ issuer, reason }, "a key of the issuer is not used"),
  keptKeysRefused: (issuer: string, reason: string): void =>
    log.error(
      { issuer, reason },
      "The issuer's keys that were kept on disk are not used; tokens are accepted once its keys have been fetched",
    ),
  keySetsNotKept: (why: string): void => log.warn(why),
  keySetUnavailable: (issuer: string, reason: string): void =>
    log.warn({ issuer, reason }, "the issuer's keys could not be fetched"),
  keySetBack: (issuer: string): void => log.info({ issuer }, "The issuer's keys were fetched again"),
  keySetNotKept: (issuer: string, reason: string): void =>
    log.warn(
      { issuer, reason },
      "The issuer's keys are in use and could not be kept on disk; a start while its address fails has none",
    ),
  switchover: (upstream: string, from: string, to: string, epoch: number): void =>
    log.warn({ upstream, from, to, epoch }, "The other OCS has taken over; record handles of the one before are void"),
  reconnected: (upstream: string, endpoint: string, reason: string): void =>
    log.warn(
      { upstream, endpoint, reason },
      "Reconnected to OCS after losing every connection; record handles are unconfirmed until OCS confirms them",
    ),
  standby: (
    upstream: string,
    endpoint: string,
    {
      seen,
      detail,
      expected,
      healthy,
    }: { seen: string; detail: string | undefined; expected: string | undefined; healthy: boolean },
  ): void =>
    log[healthy ? "info" : "warn"](
      { upstream, endpoint, seen, detail, expected },
      healthy
        ? "The standby OCS looks healthy again"
        : "The standby OCS does not do what it does while all is well; it may not be able to take over",
    ),
  upstreamDown: (upstream: string): void => log.error({ upstream }, "no OCS accepts a connection"),
  /** `ms`: since the request left. */
  noAnswer: (request: {
    id: string;
    upstream: string;
    tenant: string;
    action: string | undefined;
    code: string;
    lane: string | undefined;
    ms: number;
  }): void => log.warn(request, "A request was sent to OCS and got no answer; OCS may have carried it out"),
  noAnswersLeftOut: (counted: { upstream: string; tenant: string; code: string; left_out: number }): void =>
    log.warn(counted, "More requests got no answer and were not logged one by one; each is in the journal"),
  /** `unsaid`: how many of them were not logged since the last one that was; each is in the journal. */
  alarm: (reason: string, upstream: string, tenant: string | undefined, unsaid: number): void =>
    log.warn({ upstream, tenant, ...(unsaid > 0 && { unsaid }) }, reason),
  callbacksKept: (upstream: string, error: unknown): void =>
    log.error(
      { upstream, error: plain(error) },
      "the certificate of the callbacks cannot be used; the one before stays in force",
    ),
  ownershipMovedAside: (file: string): void =>
    log.error(
      { file },
      "the ownership database is corrupt and was moved aside; record handles have no owner until OCS announces them again",
    ),
  epochBegun: (upstream: string, epoch: number, reason: string): void => log.warn({ upstream, epoch }, reason),
  connectionRefused: (listener: string, limit: string, source: string): void =>
    log.warn({ listener, limit, source }, "a connection was closed at once: there are too many"),
  /** `untold`: how many more there were since the last one that was logged. */
  plainOnTls: (listener: string, source: string, untold: number): void =>
    log.warn(
      { listener, source, ...(untold > 0 && { untold }) },
      "a client spoke HTTP in clear text to a port that speaks TLS, and got 400; its address must begin with https://",
    ),
  keyChecksNotCopied: (error: unknown): void =>
    log.warn(
      { error: plain(error) },
      "The check values of the index keys could not be copied beside the journal; ocsgw check cannot compare the keys",
    ),
  revoked: (what: string): void => log.warn(what),
  revocationsUnusable: (fault: unknown, reason: string | undefined): void =>
    log.error(
      { error: plain(fault), reason },
      "The revocations file, or the journal, cannot be read or written; everything that was revoked stays revoked",
    ),
  revocationsRepaired: (reason: string, detail: string): void => log.error({ detail }, reason),
  wantsLookingAfter: (what: string): void => log.warn(what),
  logDropped: (lines: number): void =>
    log.warn({ lines }, "log lines were dropped, because nothing took them from stderr in time"),
  defect: (id: string, error: unknown): void => log.error({ id, error: plain(error) }, "a defect of the gateway"),
} as const;
