/** Host names under which browsers offer no passkeys. */
const ADDRESS = /^(\d+(\.\d+){3}|\[[0-9a-f:.]+\])$/;

/** Whether the page was opened by an IP address. */
export function isOpenedByAddress(): boolean {
  return ADDRESS.test(location.hostname);
}

/** Sends the visitor to the name, since passkeys belong to names. */
export function LocalhostNotice() {
  const address = `http://localhost:${location.port}/`;
  return (
    <main className="gate">
      <h1>Open this page at localhost</h1>
      <p>
        Passkeys belong to a name, and <code>{location.hostname}</code> is a number. The same page
        is at <a href={address}>{address}</a>.
      </p>
    </main>
  );
}
