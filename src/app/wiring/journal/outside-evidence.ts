/**
 * Asks witnesses and a time stamping authority to confirm each checkpoint, as configured, and reports the results as
 * events, alarms and status.
 */
import { events } from "../../../common/log/events.ts";
import type { Journal } from "../../../journal/journal.ts";
import { COSIGNED_FOR_OTHERS, WITNESSES } from "../../../journal/write/open-checked.ts";
import { authoritiesIn } from "../../../journal/verify/bundle/timestamp.mjs";
import { Timestamps, type TimestampEvent, type TimestampState } from "../../../journal/integrity/witness/timestamps.ts";
import type { ConsistencyProofs } from "../../../journal/integrity/witness/consistency.ts";
import type { CosignedNotes } from "../../../journal/integrity/witness/cosigned.ts";
import {
  Witnesses,
  type Quorum,
  type SavedSizes,
  type WitnessesEvent,
} from "../../../journal/integrity/witness/witnesses.ts";
import type { WitnessState } from "../../../journal/integrity/witness/witness-client.ts";
import type { Settings } from "../../../settings/schema/schema.ts";
import type { ShutdownSteps } from "../../shutdown.ts";
import { readSmallFile } from "../../../common/small-file/small-file.ts";

export type OutsideEvidence = {
  /** Submits a checkpoint that is on disk. Does not wait for answers. */
  readonly submit: (note: string) => void;
  /** Submits the last checkpoint and each later one to these too. Returns the function that ends it. */
  readonly also: (more: MoreWitnesses) => () => void;
  /** One of each for the journal. */
  readonly shared: { readonly notes: CosignedNotes; readonly proofs: ConsistencyProofs };
  readonly witnesses: () => readonly WitnessState[];
  /** Null where no witness is configured. */
  readonly quorum: () => Quorum | null;
  /** Null where no authority is configured. */
  readonly timestamps: () => TimestampState | null;
  /** One sentence for each problem. */
  readonly troubles: () => readonly string[];
};

/** Witnesses that are not in the config and do not count for its quorum. */
export type MoreWitnesses = {
  readonly submit: (note: string) => void;
  readonly states: () => readonly WitnessState[];
  readonly troubles: () => readonly string[];
};

/** Parts of the start state that are known only once the journal is open. */
export class WitnessSizes {
  witnesses: Pick<Witnesses, "save"> | undefined;
  /** Sizes that other gateways cosigned, and what this one cosigned for them, while several share a database. */
  peers: { readonly save: () => SavedSizes; readonly saveForOthers: () => unknown } | undefined;
  /** What the previous start state has: passed on until the other gateways are known, and without `shared`. */
  before: Readonly<Record<string, unknown>> = {};

  readonly beside = {
    [WITNESSES]: (): unknown =>
      this.witnesses
        ? { ...(this.before[WITNESSES] as object), ...this.witnesses.save(), ...this.peers?.save() }
        : null,
    [COSIGNED_FOR_OTHERS]: (): unknown =>
      this.peers ? this.peers.saveForOthers() : (this.before[COSIGNED_FOR_OTHERS] ?? null),
  };
}

export const startOutsideEvidence = async (
  { audit: { checkpoint } }: Settings,
  journal: Journal,
  sizes: WitnessSizes,
  stops: ShutdownSteps,
): Promise<OutsideEvidence> => {
  const { disk, dir } = journal;
  const witnesses = new Witnesses({
    disk,
    dir,
    witnesses: checkpoint.witnesses,
    quorum: checkpoint.witness_quorum ?? 1,
    saved: journal.openedFrom.beside[WITNESSES],
    onNews: reportNews(journal),
  });
  sizes.witnesses = witnesses;
  stops.push(witnesses.stop);
  const timestamps =
    checkpoint.timestamp &&
    new Timestamps({
      disk,
      dir,
      url: checkpoint.timestamp.url,
      everyMs: checkpoint.timestamp.every,
      onNews: reportTimestamps,
      authorities: authoritiesIn(await readSmallFile(checkpoint.timestamp.ca)),
    });
  if (timestamps) stops.push(timestamps.stop);
  const more = new Set<MoreWitnesses>();
  let last: string | undefined;
  return {
    submit: (note) => {
      last = note;
      witnesses.submit(note);
      timestamps?.submit(note);
      for (const each of more) each.submit(note);
    },
    also: (others) => {
      more.add(others);
      if (last !== undefined) others.submit(last);
      return () => void more.delete(others);
    },
    shared: { notes: witnesses.notes, proofs: witnesses.proofs },
    witnesses: () => [...witnesses.states(), ...[...more].flatMap(({ states }) => states())],
    quorum: witnesses.quorum,
    timestamps: () => timestamps?.state ?? null,
    troubles: () => [
      ...witnesses.troubles(),
      ...[...more].flatMap(({ troubles }) => troubles()),
      ...(timestamps?.state.trouble === undefined ? [] : [timestamps.state.trouble]),
    ],
  };
};

const AHEAD = "a witness cosigned more entries than this journal has";
const CONTRADICTION = "a witness cosigned another history of this journal";
const QUORUM = "too few witnesses cosign the journal";

export const reportNews =
  ({ note }: Pick<Journal, "note">) =>
  (news: WitnessesEvent): void => {
    switch (news.kind) {
      case "away":
        return events.witnessUnavailable({ witness: news.witness, reason: news.reason });
      case "back":
        return events.witnessRecovered({ witness: news.witness });
      case "lost":
        return events.witnessStateLost({ witness: news.witness, before: news.before, now: news.now });
      case "quorum":
        {
          const { needed, cosigning } = news;
          events[news.isMet ? "witnessQuorumMet" : "witnessQuorumLost"]({ needed, cosigning });
        }
        return news.isMet
          ? undefined
          : note({ kind: "alarm", reason: QUORUM, detail: `${news.cosigning} cosign, ${news.needed} are needed` });
      case "ahead":
      case "contradiction": {
        const reason = news.kind === "ahead" ? AHEAD : CONTRADICTION;
        const { witness, size, own } = news;
        events[news.kind === "ahead" ? "witnessAhead" : "witnessContradiction"]({ witness, size, own });
        return note({
          kind: "alarm",
          reason,
          detail: `${news.witness}: ${news.size} entries; the checkpoint has ${news.own}`,
        });
      }
    }
  };

const reportTimestamps = (news: TimestampEvent): void =>
  news.kind === "away"
    ? events.timestampUnavailable({ url: news.url, reason: news.reason })
    : events.timestampRecovered({ url: news.url });
