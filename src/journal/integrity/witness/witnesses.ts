/**
 * All external witnesses of a journal: who has cosigned how much, and whether enough of them do. That never stops
 * traffic.
 */
import type { Disk } from "../disk.ts";
import { ConsistencyProofs } from "./consistency.ts";
import { CosignedNotes } from "./cosigned.ts";
import {
  WitnessClient,
  type Timing,
  type WitnessAddress,
  type WitnessNews,
  type WitnessState,
} from "./witness-client.ts";

/** Entries that each witness had cosigned, by name and id of its key: a part of the start state. */
export type SavedSizes = Readonly<Record<string, number>>;

export type Quorum = {
  /** How many witnesses must cosign. */
  readonly needed: number;
  /** Enough of them cosigned when they were asked last. */
  readonly isMet: boolean;
  /** Entries that enough of them have cosigned. */
  readonly size: number;
};

export type WitnessesNews =
  | WitnessNews
  /** `cosigning`: how many cosigned when they were asked last. */
  | { readonly kind: "quorum"; readonly isMet: boolean; readonly needed: number; readonly cosigning: number };

export type WitnessesOptions = {
  readonly disk: Disk;
  readonly dir: string;
  readonly witnesses: readonly WitnessAddress[];
  readonly quorum: number;
  /** What `save` gave to the start state that the journal was opened with; anything else counts for nothing. */
  readonly saved: unknown;
  readonly tell: (news: WitnessesNews) => void;
  readonly timing?: Timing | undefined;
};

export class Witnesses {
  readonly #clients: readonly WitnessClient[];
  readonly #options: WitnessesOptions;
  #wasMet = true;

  constructor(options: WitnessesOptions) {
    this.#options = options;
    const { disk, dir, witnesses, saved, tell, timing } = options;
    const notes = new CosignedNotes({ disk, dir });
    const proofs = new ConsistencyProofs({ disk, dir });
    this.#clients = witnesses.map(
      (address) => new WitnessClient({ proofs, address, notes, tell, timing, saved, changed: () => this.#changed() }),
    );
  }

  /** Gives every witness the checkpoint, and waits for none. */
  readonly submit = (note: string): void => this.#clients.forEach((client) => client.submit(note));

  readonly stop = async (): Promise<void> => void (await Promise.all(this.#clients.map(({ stop }) => stop())));

  readonly save = (): SavedSizes => Object.fromEntries(this.states().map(({ witness, size }) => [witness, size]));

  readonly states = (): readonly WitnessState[] => this.#clients.map(({ state }) => state);

  /** Null where no witness is configured. */
  readonly quorum = (): Quorum | null => {
    const { quorum: needed } = this.#options;
    const states = this.states();
    if (states.length === 0) return null;
    const cosigning = states.filter(cosigned).length;
    const sizes = states.map(({ size }) => size).toSorted((one, other) => other - one);
    return { needed, isMet: cosigning >= needed, size: sizes[needed - 1] ?? 0 };
  };

  /** In words: why witnesses do not cosign, and whether that is one too many. */
  readonly troubles = (): readonly string[] => {
    const { quorum: needed } = this.#options;
    const troubles = this.states().flatMap(({ trouble }) => trouble ?? []);
    return this.#clients.length - troubles.length < needed && this.#clients.length > 0
      ? [
          `${this.states().filter(cosigned).length} of ${this.#clients.length} witnesses cosign, ` +
            `and audit.checkpoint.witness_quorum asks for ${needed}; requests go on`,
          ...troubles,
        ]
      : troubles;
  };

  #changed(): void {
    const { quorum: needed, tell } = this.#options;
    const states = this.states();
    const cosigning = states.filter(cosigned).length;
    // One that has not answered yet is no reason for an alarm, and none to end it.
    const isMet = (this.#wasMet ? states.filter(({ trouble }) => trouble === undefined).length : cosigning) >= needed;
    if (isMet !== this.#wasMet) tell({ kind: "quorum", isMet, needed, cosigning });
    this.#wasMet = isMet;
  }
}

/** When it was asked last, in this run. */
const cosigned = ({ age, trouble }: WitnessState): boolean => age !== undefined && trouble === undefined;
