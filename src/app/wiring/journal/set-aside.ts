/** Sets a damaged segment aside while the gateway runs, on request over the socket in `audit.dir`. */
import { faultOf } from "../../../journal/access.ts";
import type { Journal } from "../../../journal/journal.ts";
import type { Checkpoints } from "../../../journal/integrity/checkpoints/checkpoint.ts";
import { WrongCommand } from "../../../journal/command-socket.ts";
import type { OpenDoNotCalls } from "../../../journal/open-dnc/open-dnc-counter.ts";
import { finishSettingAside, setAside, type SetAsideOptions } from "../../../journal/segments/set-aside.ts";
import {
  firstIndexIn,
  examineSegment,
  NotSetAside,
  type Examination,
} from "../../../journal/segments/examine-segment.ts";
import type { StateSigner } from "../../../journal/write/start-state.ts";
import type { BackgroundVerify } from "./background-verify.ts";

/** `index`: of the journal entry about it; undefined when the segment was only examined. */
export type SetAsideResult = Examination & { readonly index?: number; readonly lost?: number | null };
export type SetAsideAnswer = SetAsideResult | { readonly refused: string; readonly kind: NotSetAside["kind"] };

export type SetAsideCommands = {
  /** Examines a segment without moving it. `body.segment`: its name as the user typed it. */
  readonly examine: (body: object) => Promise<SetAsideAnswer>;
  /** Sets a segment aside. Resolves when its files are moved. */
  readonly set: (body: object) => Promise<SetAsideAnswer>;
};

type Parts = {
  readonly journal: Journal;
  readonly checkpoints: Checkpoints;
  readonly signer: StateSigner;
  readonly openDoNotCalls: OpenDoNotCalls;
  /** Resolves to whether the open Do-Not-Calls are known. */
  readonly known: () => Promise<boolean>;
  readonly rereading: Pick<BackgroundVerify, "wasSetAside">;
};

/** First completes moves that an earlier run journaled but did not make. */
export const startSetAsideCommands = async ({ known, rereading, ...parts }: Parts): Promise<SetAsideCommands> => {
  await finishSettingAside(parts.journal);
  return {
    examine: (body) => answered(async () => examineSegment(parts, firstIndexIn(segmentIn(body)))),
    set: (body) =>
      answered(async () => {
        const first = firstIndexIn(segmentIn(body));
        const by = byIn(body);
        await known();
        const result = await setAside({ ...parts, by }, first);
        rereading.wasSetAside(first);
        return resultOf(result);
      }),
  };
};

export const resultOf = ({ entry, index }: Awaited<ReturnType<typeof setAside>>): SetAsideResult => {
  const { from, to, files, damage, intact, oldest, youngest, lost } = entry;
  return { from, to, files, damage, intact, oldest, youngest, lost, index };
};

/** Turns a refusal into an answer. */
export const answered = async (work: () => Promise<SetAsideResult>): Promise<SetAsideAnswer> => {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof NotSetAside)) throw error;
    return { refused: error.message, kind: error.kind };
  }
};

const segmentIn = (body: object): string => {
  const { segment } = body as { readonly segment?: unknown };
  if (typeof segment !== "string" || segment === "") throw new WrongCommand("segment: expected the name of a segment");
  return segment;
};

/** Checks what the command says about its user, because it is written to the journal. */
const byIn = (body: object): SetAsideOptions["by"] => {
  const { user, behind, purpose } = body as SetAsideOptions["by"];
  const fault = faultOf({ user, behind, purpose, operation: "export" });
  if (fault !== undefined) throw new WrongCommand(fault);
  return { user, behind, purpose };
};
