/**
 * Cosigns the checkpoints of the other gateways. What it has cosigned is kept in its own directory and in its own
 * journal's start state, not in the shared database: nobody but root on this machine can make it forget.
 */
import { events } from "../../../../common/log/events.ts";
import { makeFolders } from "../../../../common/file-owner.ts";
import { SerialQueue } from "../../../../common/serial-queue.ts";
import { faultInWords } from "../../../../common/system-error.ts";
import type { CosignatureReply, CosignatureRequest } from "../../../../cluster/cosignature-requests.ts";
import type { Alarm } from "../../../../journal/entry.ts";
import type { Cosigner } from "../../../../journal/integrity/checkpoints/signed-note.ts";
import { paths } from "../../../../journal/paths.ts";
import { CosignedCheckpoints } from "../../../../witness/cosigned-checkpoints.ts";
import { readSubmission } from "../../../../witness/submission.ts";
import { Witness, type WitnessEvent } from "../../../../witness/witness.ts";
import { KnownJournals, type JournalIdentity } from "./known-journals.ts";

export const REWRITTEN = "the journal of another gateway shrank or was rewritten";
const OTHER_JOURNAL = "another gateway has another journal than before";
const STATE_LOST = "what this gateway cosigned for another one was removed or replaced by an older copy";
export const ACCEPTED = "the new journal of another gateway was accepted";

export type CosignerParts = {
  readonly dir: string;
  readonly own: Cosigner;
  /** From the start state: entries cosigned, by origin. */
  readonly saved: unknown;
  /** What the gateway of this name tells of its journal; undefined while it does not live or tells nothing. */
  readonly identityOf: (node: string) => JournalIdentity | undefined;
  readonly alarm: (alarm: Omit<Alarm, "kind">) => void;
  /** Called when what is cosigned or refused has changed. */
  readonly changed: () => void;
};

const refusal = (status: number, text: string): CosignatureReply => ({ status, type: "text/plain", text: `${text}\n` });

export class PeerCosigner {
  readonly #parts: CosignerParts;
  readonly #known: KnownJournals;
  readonly #records: CosignedCheckpoints;
  readonly #witness: Witness;
  readonly #queue = new SerialQueue();
  /** Why a gateway gets no cosignature, in words, by its name. */
  readonly #faults = new Map<string, string>();
  /** Origins of which this gateway cosigned more than its directory says. */
  readonly #lost = new Set<string>();

  private constructor(parts: CosignerParts, known: KnownJournals, records: CosignedCheckpoints) {
    this.#parts = parts;
    this.#known = known;
    this.#records = records;
    this.#witness = new Witness({
      own: parts.own,
      records,
      logs: () => Promise.resolve(known.keys()),
      onEvent: (news) => this.#report(news),
    });
    for (const [origin, size] of Object.entries((parts.saved ?? {}) as Record<string, number>)) {
      const found = records.last(origin)?.size ?? 0;
      if (found >= size) continue;
      this.#lost.add(origin);
      const detail = `${origin}: ${size} entries were cosigned, and the directory has ${found}`;
      this.#fault(known.nodeOf(origin) ?? origin, STATE_LOST, detail);
    }
  }

  /** Rejects if the directory has files that this gateway did not write. */
  static async open(parts: CosignerParts): Promise<PeerCosigner> {
    const dir = paths(parts.dir).peers;
    await makeFolders(dir);
    return new PeerCosigner(parts, await KnownJournals.open(dir), await CosignedCheckpoints.open(dir, parts.own));
  }

  /** For the start state. */
  readonly save = (): Readonly<Record<string, number>> =>
    Object.fromEntries(this.#records.all().map(({ origin, size }) => [origin, size]));

  /** Entries cosigned for this gateway; undefined if there is nothing. */
  sizeFor(node: string): number | undefined {
    const origin = this.#known.get(node)?.origin;
    return origin === undefined ? undefined : this.#records.last(origin)?.size;
  }

  get faults(): ReadonlyMap<string, string> {
    return this.#faults;
  }

  /** Resolves to the reply; undefined if the gateway that asks is unknown yet, and must ask again. */
  answer({ node, request }: Omit<CosignatureRequest, "id">): Promise<CosignatureReply | undefined> {
    return this.#queue.run(async () => {
      const told = this.#parts.identityOf(node);
      if (!told) return undefined;
      const submission = readSubmission(Buffer.from(request));
      if (typeof submission !== "string" && submission.checkpoint.origin !== told.origin)
        return refusal(403, "the checkpoint is of another journal than that of the gateway that sent it");
      if (!(await this.#isKnown(node, told))) return refusal(403, "this gateway had another journal before");
      if (this.#lost.has(told.origin)) return refusal(500, STATE_LOST);
      const reply = await this.#witness.add(Buffer.from(request));
      if (reply.status === 200) this.#cosigned(node);
      return reply;
    });
  }

  /** Takes the journal that a gateway has now as its journal. Resolves to what was cosigned of the earlier one. */
  accept(node: string): Promise<Alarm["anchor"] | string> {
    return this.#queue.run(async () => {
      const told = this.#parts.identityOf(node);
      const before = this.#known.get(node);
      if (!told || !before) return `${node} does not run, or its journal is not known`;
      const last = this.#records.last(before.origin);
      await this.#records.forget(before.origin);
      await this.#records.forget(told.origin);
      await this.#known.set(node, told);
      this.#lost.delete(told.origin);
      this.#faults.delete(node);
      this.#parts.changed();
      return { size: last?.size ?? 0, root: Buffer.from(last?.root ?? []).toString("base64") };
    });
  }

  async #isKnown(node: string, told: JournalIdentity): Promise<boolean> {
    const known = this.#known.get(node);
    if (known?.origin === told.origin && known.key === told.key) return true;
    const holder = this.#known.nodeOf(told.origin);
    // A gateway that was renamed keeps its journal.
    const isRenamed =
      holder !== undefined &&
      holder !== node &&
      !this.#parts.identityOf(holder) &&
      this.#known.get(holder)!.key === told.key;
    if (!known && (holder === undefined || isRenamed)) {
      await this.#known.set(node, told);
      return true;
    }
    const detail = known
      ? `${node}: ${known.origin} with key ${idOf(known.key)} before, ${told.origin} with key ${idOf(told.key)} now`
      : `${node}: its origin ${told.origin} is that of the gateway ${holder}`;
    this.#fault(node, OTHER_JOURNAL, detail);
    return false;
  }

  #cosigned(node: string): void {
    if (this.#faults.delete(node)) events.peerJournalContinues({ node });
    this.#parts.changed();
  }

  #report(news: WitnessEvent): void {
    if (news.kind === "cosigned") return;
    if (news.kind === "failed") return events.peerNotCosigned({ reason: news.reason });
    const { origin, size, before, note } = news;
    const last = this.#records.last(origin);
    const root = Buffer.from(last?.root ?? []).toString("base64");
    const node = this.#known.nodeOf(origin) ?? origin;
    this.#fault(
      node,
      REWRITTEN,
      `${node}: ${SAYS[news.kind](size, before)}; cosigned: ${origin} ${before} ${root}; not cosigned: ${note}`,
    );
  }

  /** The alarm is raised once for each cause. */
  #fault(node: string, reason: string, detail: string): void {
    const [says] = detail.split("; cosigned:");
    const text = `${reason}: ${says}`;
    if (this.#faults.get(node) === text) return;
    this.#faults.set(node, text);
    this.#parts.alarm({ reason, detail });
    this.#parts.changed();
  }
}

const SAYS = {
  contradiction: (size) => `it signed two histories of ${size} entries`,
  unproved: (size, before) => `its checkpoint of ${size} entries does not continue the ${before} that were cosigned`,
  smaller: (size, before) => `it has ${size} entries, and ${before} were cosigned, or an old checkpoint was replayed`,
} as const satisfies Record<string, (size: number, before: number) => string>;

/** The key id within a verifier key. */
const idOf = (key: string): string => key.split("+")[1] ?? key;

export const reasonOfOpening = (error: unknown): string =>
  `this gateway cosigns no journal of others: ${faultInWords(error)}`;
