/**
 * All external witnesses of a journal: how much each has cosigned, and whether the quorum is met. Traffic never waits.
 */
import type { Disk } from "../../disk.ts";
import { ConsistencyProofs } from "./consistency.ts";
import { CosignedNotes } from "./cosigned.ts";
import type { Timing } from "./retry.ts";
import { WitnessClient, type WitnessAddress, type WitnessEvent, type WitnessState } from "./witness-client.ts";

/** Entries that each witness has cosigned, by name and id of its key. Part of the start state. */
export type SavedSizes = Readonly<Record<string, number>>;

export type Quorum = {
  /** How many witnesses must cosign. */
  readonly needed: number;
  /** Enough witnesses cosigned at the last request. */
  readonly isMet: boolean;
  /** Entries that enough witnesses have cosigned. */
  readonly size: number;
};

export type WitnessesEvent =
  | WitnessEvent
  /** `cosigning`: how many cosigned at the last request. */
  | { readonly kind: "quorum"; readonly isMet: boolean; readonly needed: number; readonly cosigning: number };

export type WitnessesOptions = {
  readonly disk: Disk;
  readonly dir: string;
  readonly witnesses: readonly WitnessAddress[];
  readonly quorum: number;
  /** The value of `save` in the start state; anything else is ignored. */
  readonly saved: unknown;
  readonly onNews: (news: WitnessesEvent) => void;
  readonly timing?: Timing | undefined;
};

export class Witnesses {
  /** For further witnesses of the same journal. */
  readonly notes: CosignedNotes;
  readonly proofs: ConsistencyProofs;
  readonly #clients: readonly WitnessClient[];
  readonly #options: WitnessesOptions;
  #wasMet = true;

  constructor(options: WitnessesOptions) {
    this.#options = options;
    const { disk, dir, witnesses, saved, onNews, timing } = options;
    const notes = (this.notes = new CosignedNotes({ disk, dir }));
    const proofs = (this.proofs = new ConsistencyProofs({ disk, dir }));
    this.#clients = witnesses.map(
      (address) => new WitnessClient({ proofs, address, notes, onNews, timing, saved, changed: () => this.#changed() }),
    );
  }

  /** Submits the checkpoint to all witnesses without waiting. */
  readonly submit = (note: string): void => this.#clients.forEach((client) => client.submit(note));

  readonly stop = async (): Promise<void> => void (await Promise.all(this.#clients.map(({ stop }) => stop())));

  readonly save = (): SavedSizes => Object.fromEntries(this.states().map(({ witness, size }) => [witness, size]));

  readonly states = (): readonly WitnessState[] => this.#clients.map(({ state }) => state);

  /** Null if no witness is configured. */
  readonly quorum = (): Quorum | null => {
    const { quorum: needed } = this.#options;
    const states = this.states();
    if (states.length === 0) return null;
    const cosigning = states.filter(cosigned).length;
    const sizes = states.map(({ size }) => size).toSorted((one, other) => other - one);
    return { needed, isMet: cosigning >= needed, size: sizes[needed - 1] ?? 0 };
  };

  /** Why witnesses do not cosign, and whether too few do. */
  readonly troubles = (): readonly string[] => {
    const { quorum: needed } = this.#options;
    const troubles = this.states().flatMap(({ trouble }) => trouble ?? []);
    return this.#clients.length - troubles.length < needed && this.#clients.length > 0
      ? [
          `${this.states().filter(cosigned).length} of ${this.#clients.length} witnesses cosign, and ` +
            `audit.checkpoint.witness_quorum asks for ${needed}; requests go on`,
          ...troubles,
        ]
      : troubles;
  };

  #changed(): void {
    const { quorum: needed, onNews } = this.#options;
    const states = this.states();
    const cosigning = states.filter(cosigned).length;
    // A witness that has not answered yet neither raises nor clears the alarm.
    const isMet = (this.#wasMet ? states.filter(({ trouble }) => trouble === undefined).length : cosigning) >= needed;
    if (isMet !== this.#wasMet) onNews({ kind: "quorum", isMet, needed, cosigning });
    this.#wasMet = isMet;
  }
}

/** At the last request in this run. */
const cosigned = ({ age, trouble }: WitnessState): boolean => age !== undefined && trouble === undefined;
