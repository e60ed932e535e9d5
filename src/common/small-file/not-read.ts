/** A file was not read: it is not a regular file, is too large, or its file system does not answer. */
export class NotRead extends Error {
  override readonly name = "NotRead";
  /** The message without the path. */
  readonly reason: string;

  constructor(path: string, reason: string) {
    super(`${path} is not read: ${reason}`);
    this.reason = reason;
  }
}
