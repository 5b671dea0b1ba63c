import Link from 'next/link';
import { redirect } from 'next/navigation';
import { pzk } from '../../lib/pzk';
import { listReadings } from '../../lib/weather';

/** A page for those who are signed in, rendered on the server alone. */
export default async function Logbook() {
  const viewer = await pzk.auth();
  if (viewer?.scopes.includes('weather:read') !== true) redirect('/');
  return (
    <>
      <header>
        <p className="brand">Weather desk</p>
        <h1>Logbook</h1>
        <p className="lead">
          Rendered on the server for <code>{viewer.account}</code>.
        </p>
      </header>
      <main id="main" tabIndex={-1}>
        <section className="panel" aria-labelledby="readings-title">
          <h2 id="readings-title">Readings</h2>
          <table>
            <thead>
              <tr>
                <th scope="col">Station</th>
                <th scope="col">Sky</th>
                <th scope="col">Temperature</th>
              </tr>
            </thead>
            <tbody>
              {listReadings().map(({ id, station, sky, temperature }) => (
                <tr key={id}>
                  <th scope="row">{station}</th>
                  <td>{sky}</td>
                  <td>{temperature} °C</td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
        <p>
          <Link href="/">Back to the desk</Link>
        </p>
      </main>
    </>
  );
}
