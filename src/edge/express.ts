/** Express as the outermost adapter: one mount per listener, and of all it can do only this. Routes, parsers and etags are not its business here. */
import express from "express";
import { IncomingMessage, ServerResponse } from "node:http";

/** Settles when the reply is handed out; rejects when it cannot be. */
export type Serve<Request> = (request: Request, response: ServerResponse) => Promise<void>;

export type Mounted<Request> = {
  readonly app: (request: Request, response: ServerResponse) => void;
  /** What the server is to make requests and responses of. */
  readonly born: { readonly IncomingMessage: typeof IncomingMessage; readonly ServerResponse: typeof ServerResponse };
};

const NO_WORDS = Object.freeze({});

export const mount = <Request extends IncomingMessage>(
  Arriving: typeof IncomingMessage,
  serve: Serve<Request>,
): Mounted<Request> => {
  const app = express();
  app
    .disable("x-powered-by")
    .disable("etag")
    .set("query parser", false)
    .enable("case sensitive routing")
    .enable("strict routing");
  app.use((request, response, next) => {
    serve(request as unknown as Request, response).catch(next);
  });
  // Express gives every request and response its own prototype, and every response an object for a template's words. Those that are born with both
  // keep their shape, on which the engine's speed hangs.
  class Born extends Arriving {}
  class BornResponse extends ServerResponse {}
  app.request = Object.setPrototypeOf(Born.prototype, app.request) as typeof app.request;
  app.response = Object.setPrototypeOf(
    Object.assign(BornResponse.prototype, { locals: NO_WORDS }),
    app.response,
  ) as typeof app.response;
  return {
    // Its own last handler would print the error: a broken adapter ends the connection instead.
    app: (request, response) => app(request as never, response as never, () => void request.socket.destroy()),
    born: { IncomingMessage: Born, ServerResponse: BornResponse as unknown as typeof ServerResponse },
  };
};
