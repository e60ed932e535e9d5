/** The first record of a TLS client: what Node's own says, to be said by sockets that know nothing of TLS. */
import { once } from "node:events";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { connect } from "node:tls";

export const clientHello = async (): Promise<Buffer> => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const client = connect({
    port: (server.address() as AddressInfo).port,
    host: "127.0.0.1",
    servername: "localhost",
  }).on("error", () => undefined);
  const [socket] = (await once(server, "connection")) as [Socket];
  const [said] = (await once(socket, "data")) as [Buffer];
  client.destroy();
  server.close();
  return said;
};
