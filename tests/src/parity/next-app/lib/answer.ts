/** JSON with the type that Express writes: what an application answers is its own affair. */
export function answer(value: object, status = 200): Response {
  const headers = { 'content-type': 'application/json; charset=utf-8' };
  return Response.json(value, { status, headers });
}
