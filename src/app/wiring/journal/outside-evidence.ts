/**
 * What is asked of others about each checkpoint: witnesses and a time stamping authority, from settings to events,
 * alarms and status.
 */
import { events } from "../events.ts";
import type { Journal } from "../journal/append.ts";
import { WITNESSES } from "../journal/open-checked.ts";
import { authoritiesIn } from "../journal/verify/timestamp.mjs";
import { Timestamps, type TimestampNews, type TimestampState } from "../journal/witness/timestamps.ts";
import { Witnesses, type Quorum, type WitnessesNews } from "../journal/witness/witnesses.ts";
import type { WitnessState } from "../journal/witness/witness-client.ts";
import type { Settings } from "../settings/schema.ts";
import type { Stops } from "./stops.ts";
import { readSmallFile } from "../small-file.ts";

export type OutsideEvidence = {
  /** Given each checkpoint when it is on disk; waits for nobody. */
  readonly submit: (note: string) => void;
  readonly witnesses: () => readonly WitnessState[];
  /** Null where no witness is configured. */
  readonly quorum: () => Quorum | null;
  /** Null where no authority is configured. */
  readonly timestamps: () => TimestampState | null;
  /** In words. */
  readonly troubles: () => readonly string[];
};

/** A part of the start state that is known only once the journal is open. */
export class WitnessSizes {
  witnesses: Pick<Witnesses, "save"> | undefined;

  readonly save = (): unknown => this.witnesses?.save() ?? null;
}

export const startOutsideEvidence = async (
  { audit: { checkpoint } }: Settings,
  journal: Journal,
  sizes: WitnessSizes,
  stops: Stops,
): Promise<OutsideEvidence> => {
  const { disk, dir } = journal;
  const witnesses = new Witnesses({
    disk,
    dir,
    witnesses: checkpoint.witnesses,
    quorum: checkpoint.witness_quorum ?? 1,
    saved: journal.begun.beside[WITNESSES],
    tell: tellOf(journal),
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
      tell: tellOfTimestamps,
      authorities: authoritiesIn(await readSmallFile(checkpoint.timestamp.ca)),
    });
  if (timestamps) stops.push(timestamps.stop);
  return {
    submit: (note) => {
      witnesses.submit(note);
      timestamps?.submit(note);
    },
    witnesses: witnesses.states,
    quorum: witnesses.quorum,
    timestamps: () => timestamps?.state ?? null,
    troubles: () => [
      ...witnesses.troubles(),
      ...(timestamps?.state.trouble === undefined ? [] : [timestamps.state.trouble]),
    ],
  };
};

const AHEAD = "a witness cosigned more entries than this journal has";
const CONTRADICTION = "a witness cosigned another history of this journal";
const QUORUM = "too few witnesses cosign the journal";

const tellOf =
  ({ note }: Pick<Journal, "note">) =>
  (news: WitnessesNews): void => {
    switch (news.kind) {
      case "away":
        return events.witnessAway(news.witness, news.reason);
      case "back":
        return events.witnessBack(news.witness);
      case "lost":
        return events.witnessLost(news.witness, news.before, news.now);
      case "quorum":
        events.witnessQuorum(news.isMet, news.needed, news.cosigning);
        return news.isMet
          ? undefined
          : note({ kind: "alarm", reason: QUORUM, detail: `${news.cosigning} cosign, ${news.needed} are needed` });
      case "ahead":
      case "contradiction": {
        const reason = news.kind === "ahead" ? AHEAD : CONTRADICTION;
        events.witnessDisagrees(reason, news.witness, news.size, news.own);
        return note({
          kind: "alarm",
          reason,
          detail: `${news.witness}: ${news.size} entries; the checkpoint has ${news.own}`,
        });
      }
    }
  };

const tellOfTimestamps = (news: TimestampNews): void =>
  news.kind === "away" ? events.timestampAway(news.url, news.reason) : events.timestampBack(news.url);
