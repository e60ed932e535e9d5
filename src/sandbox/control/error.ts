/** A rejected request to the control API. `message` tells the caller what is wrong. */
export class ControlError extends Error {
  readonly status: 400 | 403 | 404 | 409;
  constructor(status: ControlError["status"], message: string) {
    super(message);
    this.name = "ControlError";
    this.status = status;
  }
}
