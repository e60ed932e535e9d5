/** The line at the place that an index gave is another, or the index cannot be read. `indexes`: entries of the segments that are concerned. */
export class Misplaced extends Error {
  override readonly name = "Misplaced";
  readonly indexes: readonly number[];

  constructor(message: string, indexes: readonly number[], options?: ErrorOptions) {
    super(message, options);
    this.indexes = indexes;
  }
}
