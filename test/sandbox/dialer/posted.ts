/** A receiver of OCS's POSTs: what came, over how many connections, and the answer that the test says. */
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo, Socket } from "node:net";

export type Posted = {
  readonly path: string;
  readonly body: Readonly<Record<string, unknown>>;
  readonly headers: IncomingMessage["headers"];
  readonly from: string | undefined;
};
export type Said = { readonly status: number; readonly body?: string } | "nothing" | "hang up";

export type Receiver = {
  readonly url: string;
  readonly port: number;
  readonly posts: Posted[];
  readonly connections: () => number;
  answer: (post: Posted, count: number) => Said | Promise<Said>;
  readonly close: () => Promise<void>;
};

export const receiver = async (port = 0): Promise<Receiver> => {
  const posts: Posted[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request
      .on("data", (chunk: Buffer) => chunks.push(chunk))
      .on("end", () => {
        const post = {
          path: request.url ?? "",
          body: JSON.parse(Buffer.concat(chunks).toString("utf8")) as Record<string, unknown>,
          headers: request.headers,
          from: request.socket.remoteAddress,
        };
        posts.push(post);
        void Promise.resolve(self.answer(post, posts.length)).then((said) => {
          if (said === "hang up") request.socket.destroy();
          else if (said !== "nothing") response.writeHead(said.status).end(said.body);
        });
      });
  }).on("connection", (socket) => sockets.add(socket));
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  const taken = (server.address() as AddressInfo).port;
  const self: Receiver = {
    url: `http://127.0.0.1:${taken}/validate`,
    port: taken,
    posts,
    connections: () => sockets.size,
    answer: () => ({ status: 200 }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
  return self;
};
