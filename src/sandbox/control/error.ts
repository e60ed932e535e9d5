/** A request to the control API that cannot be done, and why. */
export class ControlError extends Error {
  readonly status: 400 | 403 | 404 | 409;
  constructor(status: ControlError["status"], message: string) {
    super(message);
    this.name = "ControlError";
    this.status = status;
  }
}
