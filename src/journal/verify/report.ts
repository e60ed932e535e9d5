/** The result of a verification. */

export type Finding = {
  readonly kind:
    | "changed"
    | "cut-off"
    | "inserted"
    | "removed"
    | "swapped"
    | "moved" // one line or a stretch of lines
    | "range" // somewhere between two checkpoints
    | "cut" // the end is missing below a checkpoint
    | "segment" // a whole file is missing or too many
    | "sequence" // the Do-Not-Calls of a tenant have a gap in their numbers
    | "json" // a line that no checkpoint covers yet is not JSON
    | "checkpoint" // a checkpoint's file is not what was signed, or two of them contradict each other
    | "cosignature" // a witness's signature does not verify, or its file is none
    | "timestamp"; // a timestamp belongs to another text, or was changed
  readonly segment?: string;
  /** Counted from 1, in the present segment. */
  readonly line?: number;
  /** The index of the entry when it was written. */
  readonly index?: number;
  /** In words. */
  readonly text: string;
};

/** How much a witness has cosigned of this journal. */
export type WitnessRow = {
  /** Name and id of its key. */
  readonly witness: string;
  /** Entries that its newest valid cosignature covers; 0 without one. */
  readonly size: number;
  /** The time that the witness states (RFC 3339); null if it states none. */
  readonly time: string | null;
  /** Cosignatures with an algorithm that this Node does not support. */
  readonly unchecked: number;
};

/** `time`: RFC 3339. `isTrusted`: its chain leads to the given authority. */
export type TimestampRow = {
  readonly size: number;
  readonly time: string;
  readonly signer: string;
  readonly isTrusted: boolean;
};

export type OutsideReport = {
  readonly witnesses: {
    /** One row for each witness with a known key. */
    readonly rows: readonly WitnessRow[];
    /** How many must have cosigned; null if no witness key is known. */
    readonly quorum: number | null;
    /** Enough witnesses cosigned one of the last checkpoints. */
    readonly isMet: boolean;
    /** Entries that enough witnesses have cosigned. */
    readonly size: number;
    /** Unknown keys that cosigned, by name and id. */
    readonly unknown: readonly string[];
  };
  /** How many are valid, and the oldest and the newest of them. */
  readonly timestamps: {
    readonly found: number;
    readonly first: TimestampRow | null;
    readonly last: TimestampRow | null;
  };
};

export type Verdict = "ok" | "broken" | "cannot-tell";

export type Report = {
  readonly verdict: Verdict;
  readonly dir: string;
  readonly segments: number;
  readonly entries: number;
  /** Entries that retention deleted: their hashes are in the tree, and an entry states the deletion. */
  readonly retired: number;
  /** Entries that retention deleted before the others of their segments; the same applies. */
  readonly deletedByKind: number;
  /**
   * Entries from `from` to before `to` that were set aside because of damage, as the entry with index `by` states.
   * Their hashes are in the tree.
   */
  readonly aside: readonly { readonly from: number; readonly to: number; readonly by: number }[];
  /** Requests in doubt: an entry states that their outcome is unknown. */
  readonly doubts: number;
  /** Per sequence (`<upstream>/<DBID>`; in format 1 the DBID), the number up to which its Do-Not-Calls have no gap. */
  readonly dnc: Readonly<Record<string, number>>;
  /** How many checkpoints there are, how many a known key signed, and how many match the root of the lines. */
  readonly checkpoints: { readonly found: number; readonly signed: number; readonly matching: number };
  /** The last signed checkpoint that matches; root in hex. */
  readonly last: { readonly origin: string; readonly size: number; readonly root: string } | undefined;
  readonly witnesses: OutsideReport["witnesses"];
  readonly timestamps: OutsideReport["timestamps"];
  readonly keys: { readonly from: "given" | "config" | "directory" | "none"; readonly names: readonly string[] };
  /** Only entries after this mark were read; null if all were. `at`: RFC 3339. */
  readonly since: { readonly size: number; readonly at: string } | null;
  /** Index of the first entry to verify: 0, or that of the single segment. */
  readonly first: number;
  /** Entries up to the last valid checkpoint, and after it; for a single segment, its own entries only. */
  readonly covered: number;
  readonly uncovered: number;
  readonly findings: readonly Finding[];
  /** How many findings are left out. */
  readonly more: number;
  /** Why the verification cannot tell the result, if so. */
  readonly missing: readonly string[];
  /** Observations that prove nothing. */
  readonly notes: readonly string[];
  readonly notProved: readonly string[];
};
