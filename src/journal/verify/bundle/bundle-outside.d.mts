export type OutsideGiven = {
  /** Verifier keys of witnesses, one per line. */
  readonly witnesses?: string | undefined;
  readonly quorum?: number | undefined;
  readonly requireWitnesses?: boolean | undefined;
  /** Certificates, PEM. */
  readonly authorities?: string | undefined;
};

export type OutsideFound = {
  /**
   * `size`: the first entries of the journal that it cosigned. `time`: RFC 3339, undefined if the witness states none.
   */
  readonly witnesses: readonly {
    readonly witness: string;
    readonly size: number;
    readonly time: string | undefined;
    readonly verdict: "valid" | "unchecked";
  }[];
  /** Name and id of keys that cosigned and were not given. */
  readonly unknown: readonly string[];
  /** `fault`: why it does not count, in words. */
  readonly timestamp:
    | {
        readonly size: number;
        readonly time: string | undefined;
        readonly signer: string | undefined;
        readonly isTrusted: boolean;
        readonly fault: string | undefined;
      }
    | undefined;
};

export declare const OUTSIDE_FILES: {
  readonly cosigned: string;
  readonly timestamped: string;
  readonly timestamp: string;
  readonly consistency: string;
};
export declare const NO_OUTSIDE: OutsideFound;
