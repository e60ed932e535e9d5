/** What a verification says. */

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
    | "json" // a line that no checkpoint covers yet is no JSON
    | "checkpoint" // a checkpoint's file is not what was signed, or two of them contradict each other
    | "cosignature" // a witness's signature does not verify, or its file is none
    | "timestamp"; // a timestamp is of another text, or was changed
  readonly segment?: string;
  /** Counted from 1, in the segment as it stands. */
  readonly line?: number;
  /** The index that the entry had when it was written. */
  readonly index?: number;
  /** In words. */
  readonly text: string;
};

/** What a witness has cosigned of what is here. */
export type WitnessRow = {
  /** Name and id of its key. */
  readonly witness: string;
  /** Entries that its newest valid cosignature covers; 0 without one. */
  readonly size: number;
  /** When, as the witness says (RFC 3339); null where it says no time. */
  readonly time: string | null;
  /** Cosignatures by an algorithm that this Node does not have. */
  readonly unchecked: number;
};

/** `time`: RFC 3339. `isTrusted`: a chain leads to the authority that was given. */
export type TimestampRow = {
  readonly size: number;
  readonly time: string;
  readonly signer: string;
  readonly isTrusted: boolean;
};

export type OutsideReport = {
  readonly witnesses: {
    /** Of each witness whose key is known. */
    readonly rows: readonly WitnessRow[];
    /** How many must have cosigned; null where no key of a witness is known. */
    readonly quorum: number | null;
    /** So many cosigned one of the last checkpoints. */
    readonly isMet: boolean;
    /** Entries that so many have cosigned. */
    readonly size: number;
    /** Keys, by name and id, that cosigned and are not known. */
    readonly unknown: readonly string[];
  };
  /** How many hold, and the oldest and the newest of them. */
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
  /** Entries of those that were deleted when their time was over: their hashes are in the tree, and an entry says so. */
  readonly retired: number;
  /** Entries that were set aside because they were damaged, as the entry of index `by` says: `from` to before `to`. Their hashes are in the tree. */
  readonly aside: readonly { readonly from: number; readonly to: number; readonly by: number }[];
  /** Intents of which an entry says that nobody knows what became of them. */
  readonly doubts: number;
  /** Of each sequence, `<upstream>/<DBID>` or of format 1 the DBID, up to which number its Do-Not-Calls run without a gap. */
  readonly dnc: Readonly<Record<string, number>>;
  /** How many checkpoints there are, how many are signed by a key that we know, and how many of all have the root that the lines give. */
  readonly checkpoints: { readonly found: number; readonly signed: number; readonly matching: number };
  /** The last one that is signed and matches; root in hex. */
  readonly last: { readonly origin: string; readonly size: number; readonly root: string } | undefined;
  readonly witnesses: OutsideReport["witnesses"];
  readonly timestamps: OutsideReport["timestamps"];
  readonly keys: { readonly from: "given" | "config" | "directory" | "none"; readonly names: readonly string[] };
  /** Only entries behind this mark were read; null when all were. `at`: RFC 3339. */
  readonly since: { readonly size: number; readonly at: string } | null;
  /** Index of the first entry that was asked about: 0, or that of the one segment. */
  readonly first: number;
  /** Entries up to the last checkpoint that holds, and behind it; of one segment its own. */
  readonly covered: number;
  readonly uncovered: number;
  readonly findings: readonly Finding[];
  /** Findings beyond those told. */
  readonly more: number;
  /** Why nothing can be said, when nothing can. */
  readonly missing: readonly string[];
  /** What is worth knowing and no proof of anything. */
  readonly notes: readonly string[];
  readonly notProved: readonly string[];
};
