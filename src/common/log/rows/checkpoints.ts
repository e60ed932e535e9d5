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
      "A checkpoint of the journal could not be written: {error}. The newest entries are not signed yet; requests do " +
      "not depend on it",
    action:
      "Free disk space or correct the permissions of audit.dir. The gateway tries again each audit.checkpoint.every, " +
      "and repeats this line until it works",
    fields: { error: error("why it failed") },
  },
  anchorNotWritten: {
    level: "error",
    message:
      "The newest checkpoint is not in the anchor, the file that reveals a replaced journal: {reason}. A running " +
      "gateway goes on serving requests. One that is starting does not start, unless audit.on_failure is continue",
    action:
      "Free disk space or correct the permissions of that file and its folder. The gateway tries again at each " +
      "checkpoint and logs anchorRecovered when it works; until then ocsgw status -c FILE shows the warning",
    fields: { reason: text("the anchor's path, and why it cannot be written") },
  },
  anchorRecovered: {
    level: "info",
    message: "The anchor has the newest checkpoint again",
    fields: {},
  },
  journalEvidenceChanged: {
    level: "warn",
    message:
      "At this start the anchor, the checkpoint key or a checkpoint sink is not as it was before; requests are " +
      "served as usual: {warning}",
    action:
      "This is normal once after a new one was configured or the journal was restored. Otherwise find out who " +
      "changed it, and run ocsgw audit verify -c FILE",
    fields: { warning: text("which anchor, key or checkpoint sink differs") },
  },
  checkpointSinkDown: {
    level: "error",
    message: "Checkpoints cannot be delivered to the checkpoint sink {sink} ({reason}); requests are served as usual",
    action:
      "Repair the sink, or correct audit.checkpoint.publish. The gateway keeps the newest 1,000 checkpoints, retries " +
      "every 30 s, and logs checkpointSinkRecovered when it works",
    fields: { sink, reason: text("why delivery failed") },
  },
  checkpointSinkRecovered: {
    level: "info",
    message: "Checkpoints are delivered to the checkpoint sink {sink} again",
    fields: { sink },
  },
  checkpointSinkEmptied: {
    level: "warn",
    message:
      "Earlier checkpoints are missing in the checkpoint sink {sink}: it was removed, emptied or shortened. Requests " +
      "are served as usual",
    action:
      "Find out who did it, and run ocsgw audit verify -c FILE: the earlier checkpoints were evidence against " +
      "changes of the journal. Put them back from a copy, if there is one, before the newer ones: if all are there, " +
      "the gateway logs checkpointSinkRestored at its next checkpoint. Otherwise ocsgw status -c FILE, /readyz and " +
      "ocsgw_second_place_up show the loss until the gateway is restarted",
    fields: { sink },
  },
  checkpointSinkRestored: {
    level: "info",
    message: "The checkpoint sink {sink} has the earlier checkpoints again",
    fields: { sink },
  },
  witnessUnavailable: {
    level: "error",
    message: "The witness {witness} does not cosign the journal's checkpoints ({reason}); requests are served as usual",
    action:
      "Check the network and the witness's url. With status 403 or 404 the witness's operator must add the newest " +
      "line of audit.dir/checkpoint.pub; if the cosignature cannot be kept, free disk space. The gateway retries " +
      "every minute, and logs witnessRecovered when it works",
    fields: { witness, reason: text("what the witness, the network or the disk answered") },
  },
  witnessRecovered: {
    level: "info",
    message: "The witness {witness} cosigns the journal's checkpoints again",
    fields: { witness },
  },
  witnessStateLost: {
    level: "warn",
    message:
      "The witness {witness} had cosigned {before} entries but remembered only {now}; it has cosigned the newest " +
      "checkpoint all the same, and requests are served as usual",
    action:
      "Ask the witness's operator: the witness lost its state, or an older copy was restored. Cosignatures that the " +
      "gateway has already stay valid",
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
      "here, another journal has the same origin and key, or the witness is wrong. Requests are served as usual",
    action:
      "Find out whether audit.dir was restored from an older backup, or another gateway has the same origin and key, " +
      "as ocsgw help witnesses says under After an alarm",
    fields: disagreement,
  },
  witnessContradiction: {
    level: "error",
    message:
      "The witness {witness} says that it cosigned another history of this journal: entries were changed, a restored " +
      "or cloned copy was continued, or the witness is wrong. Requests are served as usual",
    action:
      "First copy audit.dir, the anchor and the checkpoint sinks. Then find out who has the checkpoint key or could " +
      "write to audit.dir, as ocsgw help witnesses says under After an alarm",
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
      "ocsgw status -c FILE shows why each witness does not cosign. Until enough of them do, an auditor who requires " +
      "{needed} rejects the newest entries. The gateway retries, and logs witnessQuorumMet when it works",
    fields: quorum,
  },
  timestampUnavailable: {
    level: "error",
    message:
      "The gateway has no new timestamp of the time stamping authority {url} ({reason}); requests are served as usual",
    action:
      "Check the network, and url and ca of audit.checkpoint.timestamp; if a file cannot be written, free disk " +
      "space; otherwise ask the authority. The gateway retries every 5 minutes, and logs timestampRecovered when it " +
      "works",
    fields: { url, reason: text("what the authority, the network or the disk answered") },
  },
  timestampRecovered: {
    level: "info",
    message: "The time stamping authority {url} gives timestamps again",
    fields: { url },
  },
} as const satisfies EventRows;
