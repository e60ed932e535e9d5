/** Express as the outermost adapter: one mount per listener, and of all it can do only this. Routes, parsers and etags are not its business here. */
import express, { type ErrorRequestHandler } from "express";
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";

export type Serve = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

export const mount = (serve: Serve): RequestListener => {
  const app = express();
  app.disable("x-powered-by").disable("etag").set("query parser", false).enable("case sensitive routing").enable("strict routing");
  app.use((request, response, next) => {
    serve(request, response).catch(next);
  });
  // Its own error page would print the error: a broken adapter ends the connection instead.
  app.use(((_error, request, _response, _next) => void request.socket.destroy()) satisfies ErrorRequestHandler);
  return app;
};
