/** An error whose message may be logged: it quotes no input, so it has no data of people and no credential. */
export class LoggableError extends Error {
  override readonly name: string = "LoggableError";
}
