/**
 * After `npm ci`: npm warns that packages want another Node than the one that runs npm. One line says which Node runs ocsgw, so that nobody
 * installs another one. Silent where npm runs on that Node already.
 */
const npms = /node\/v(\S+)/.exec(process.env.npm_config_user_agent ?? "")?.[1];
if (npms !== undefined && npms !== process.versions.node) {
  console.log(
    `ocsgw runs on Node ${process.versions.node}, which this package brings. npm's EBADENGINE warnings are about the Node ${npms} that npm itself runs on: nothing is to be done.`,
  );
}
