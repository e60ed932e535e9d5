/** The hint in a container without a config: three ways to provide one, and how to try the sandbox. */
import { existsSync } from "node:fs";

const hint = (config: string): string => `
There is no config at ${config}. Three ways to provide one to this container:

  docker run -v ./config:/etc/ocsgw:ro …              a folder of the host, with keys and certificates
  configs: and secrets: in a compose file             single files, mounted at ${config}
  FROM ocsgw, then COPY config /etc/ocsgw             an image of your own

To try the sandbox without a config: docker run --network host --tmpfs /tmp ocsgw sandbox
`;

/** The image sets OCSGW_CONTAINER. */
export const hintInContainer = (config: string): void => {
  if (!["", "0"].includes(process.env["OCSGW_CONTAINER"] ?? "") && !existsSync(config)) console.error(hint(config));
};
