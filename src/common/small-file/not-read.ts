/** A file was not read for what it is, or because its file system does not answer. `reason`: in words, without the path. */
export class NotRead extends Error {
  override readonly name = "NotRead";
  readonly reason: string;

  constructor(path: string, reason: string) {
    super(`${path} is not read: ${reason}`);
    this.reason = reason;
  }
}
