/** Express, the outermost adapter: one application per listener, without its routes, parsers and etags. */
import express from "express";
import { IncomingMessage, ServerResponse } from "node:http";

/** Resolves when the reply was passed to Node; rejects if that fails. */
export type RequestHandler<Request> = (request: Request, response: ServerResponse) => Promise<void>;

export type MountedExpress<Request> = {
  readonly app: (request: Request, response: ServerResponse) => void;
  /** The classes of the server's requests and responses. */
  readonly serverClasses: {
    readonly IncomingMessage: typeof IncomingMessage;
    readonly ServerResponse: typeof ServerResponse;
  };
};

const NO_LOCALS = Object.freeze({});

export const mountExpress = <Request extends IncomingMessage>(
  RequestClass: typeof IncomingMessage,
  handle: RequestHandler<Request>,
): MountedExpress<Request> => {
  const app = express();
  app
    .disable("x-powered-by")
    .disable("etag")
    .set("query parser", false)
    .enable("case sensitive routing")
    .enable("strict routing");
  app.use((request, response, next) => {
    handle(request as unknown as Request, response).catch(next);
  });
  // Express gives every request and response its own prototype, and every response an object of template variables.
  // Objects that are created with both keep their hidden class, on which V8's speed depends.
  class ExpressRequest extends RequestClass {}
  class ExpressResponse extends ServerResponse {}
  app.request = Object.setPrototypeOf(ExpressRequest.prototype, app.request) as typeof app.request;
  app.response = Object.setPrototypeOf(
    Object.assign(ExpressResponse.prototype, { locals: NO_LOCALS }),
    app.response,
  ) as typeof app.response;
  return {
    // Express's own last handler would print the error: a reply that fails ends the connection instead.
    app: (request, response) => app(request as never, response as never, () => void request.socket.destroy()),
    serverClasses: {
      IncomingMessage: ExpressRequest,
      ServerResponse: ExpressResponse as unknown as typeof ServerResponse,
    },
  };
};
