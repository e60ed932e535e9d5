/** Events of checkpoints: signatures, sinks, witnesses and timestamps. */
import { error, number, text, type EventRows } from "../event-row.ts";

const sink = text("the checkpoint sink, as audit.checkpoint.publish names it");
const witness = text("the witness's name and key id");
const url = text("address of the time stamping authority");
const quorum = {
  needed: number("how many witnesses must cosign (witness_quorum)"),
  cosigning: number("how many cosign now"),
} as const;
const disagreement = {
  witness,
  size: number("entries that the witness has cosigned"),
  own: number("entries of the checkpoint that it was offered"),
} as const;

export const CHECKPOINT_EVENTS = {
  checkpointKeyCreated: {
    level: "info",
    message: "The gateway created the key that signs the journal: {file}",
    action: "Keep a copy of the file in a safe place, and give auditors the verifier key {verifier_key}",
    fields: { file: text("the key's file"), verifier_key: text("the public key that auditors verify with") },
  },
  checkpointNotWritten: {
    level: "error",
    message:
      "A checkpoint of the journal could not be written: {error}; requests are served, but the newest entries are " +
      "not signed yet",
    action:
      "Free disk space or correct the permissions of audit.dir; the gateway tries again after audit.checkpoint.every",
    fields: { error: error("why it failed") },
  },
  anchorNotWritten: {
    level: "error",
    message:
      "The anchor, the file that reveals a replaced journal, could not be written ({reason}); requests are served as " +
      "usual",
    action:
      "Free disk space or correct the permissions of that file and its folder; the gateway tries again at the next " +
      "checkpoint",
    fields: { reason: text("why it failed") },
  },
  journalEvidenceChanged: {
    level: "warn",
    message: "At this start an anchor, the checkpoint key or a checkpoint sink is not as it was before: {warning}",
    action:
      "This is normal once after a new one was configured or the journal was restored; otherwise find out who " +
      "changed it, and run ocsgw audit verify -c FILE",
    fields: { warning: text("which anchor, key or checkpoint sink differs") },
  },
  checkpointSinkDown: {
    level: "error",
    message: "Checkpoints cannot be delivered to the checkpoint sink {sink} ({reason}); requests are served as usual",
    action: "Repair the sink; the gateway keeps the checkpoints and retries",
    fields: { sink, reason: text("why delivery failed") },
  },
  checkpointSinkRecovered: {
    level: "info",
    message: "Checkpoints are delivered to the checkpoint sink {sink} again",
    fields: { sink },
  },
  checkpointSinkEmptied: {
    level: "warn",
    message: "The checkpoint sink {sink} was removed or emptied: the checkpoints delivered earlier are no longer there",
    action: "Find out who did it: the earlier checkpoints are evidence against changes of the journal",
    fields: { sink },
  },
  witnessUnavailable: {
    level: "error",
    message: "The witness {witness} does not cosign the journal's checkpoints ({reason}); requests are served as usual",
    action: "Check the network, or ask the witness's operator; the gateway retries with its newest checkpoint",
    fields: { witness, reason: text("what the witness or the network answered") },
  },
  witnessRecovered: {
    level: "info",
    message: "The witness {witness} cosigns the journal's checkpoints again",
    fields: { witness },
  },
  witnessStateLost: {
    level: "warn",
    message: "The witness {witness} has cosigned {before} entries but remembers only {now}",
    action: "The witness lost its state, or its operator restored an older copy: ask its operator",
    fields: {
      witness,
      before: number("entries that it had cosigned"),
      now: number("entries that it remembers"),
    },
  },
  witnessAhead: {
    level: "error",
    message:
      "The witness {witness} says that it cosigned {size} entries, but this journal has {own}: entries are missing " +
      "here, another journal has the same origin and key, or the witness is wrong",
    action:
      "Requests are served as usual. Find out whether audit.dir was restored from an older backup, or another " +
      "gateway has the same origin and key (src/docs/witnesses.md)",
    fields: disagreement,
  },
  witnessContradiction: {
    level: "error",
    message:
      "The witness {witness} cosigned a different history of this journal: old entries were changed, or a copy of " +
      "the journal was continued elsewhere",
    action:
      "Requests are served as usual. First keep a copy or snapshot of audit.dir; then tell whoever answers for the " +
      "journal, and find out who has the checkpoint key or could write to audit.dir (src/docs/witnesses.md)",
    fields: disagreement,
  },
  witnessQuorumMet: {
    level: "info",
    message: "Enough witnesses cosign the journal again: {cosigning}, of {needed} that are required",
    fields: quorum,
  },
  witnessQuorumLost: {
    level: "error",
    message:
      "Too few witnesses cosign the journal: {cosigning}, of {needed} that are required; requests are served as usual",
    action:
      "ocsgw status -c FILE shows why each witness does not; until enough of them cosign, an auditor who requires " +
      "{needed} rejects the newest entries",
    fields: quorum,
  },
  timestampUnavailable: {
    level: "error",
    message: "The time stamping authority {url} gives no timestamp ({reason}); requests are served as usual",
    action: "Check the network, or ask its operator; the gateway retries with its newest checkpoint",
    fields: { url, reason: text("what the authority or the network answered") },
  },
  timestampRecovered: {
    level: "info",
    message: "The time stamping authority {url} gives timestamps again",
    fields: { url },
  },
} as const satisfies EventRows;
