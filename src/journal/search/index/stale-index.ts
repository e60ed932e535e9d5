/** An index points to a wrong line, or cannot be read. `indexes`: entries of the segments concerned. */
export class StaleIndex extends Error {
  override readonly name = "StaleIndex";
  readonly indexes: readonly number[];

  constructor(message: string, indexes: readonly number[], options?: ErrorOptions) {
    super(message, options);
    this.indexes = indexes;
  }
}
