/**
 * After `npm ci`: npm warns about the required Node version, although this package brings its own Node. One line says
 * so, so that nobody installs another one. Prints nothing if npm runs on that Node.
 */
const npms = /node\/v(\S+)/.exec(process.env.npm_config_user_agent ?? "")?.[1];
if (npms !== undefined && npms !== process.versions.node) {
  console.log(
    `ocsgw runs on Node ${process.versions.node}, which this package brings. Ignore npm's EBADENGINE warnings: ` +
      `they are ` +
      `about the Node ${npms} on which npm itself runs.`,
  );
}
