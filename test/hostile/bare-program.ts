/**
 * A TLS server that does nothing but close each connection after a while: what an attack on it costs others is the
 * machine's doing. Tells its port, and ends when its parent goes.
 */
import type { AddressInfo } from "node:net";
import { createServer } from "node:tls";
import { createAuthority } from "../../src/sandbox/server/certificates.ts";

const AFTER_MS = 5000;

const { certPem: cert, keyPem: key } = createAuthority("bare").issue({
  names: ["localhost", "127.0.0.1"],
  usage: "serverAuth",
});
const server = createServer({ cert, key }, (socket) => {
  const timer = setTimeout(() => socket.destroy(), AFTER_MS);
  socket
    .resume()
    .on("error", () => undefined)
    .once("close", () => clearTimeout(timer));
});
process.once("disconnect", () => process.exit(0));
server.listen({ port: 0, host: "127.0.0.1", backlog: 4096 }, () =>
  process.send!((server.address() as AddressInfo).port),
);
