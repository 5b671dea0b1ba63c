import { pzk } from '../../../../lib/pzk';
import { findReading } from '../../../../lib/weather';

export const GET = pzk.protect<{ id: string }>(
  { scope: 'weather:read' },
  async (_request, { params }) => {
    const { id } = await params;
    const reading = findReading(id);
    return reading === undefined
      ? Response.json({ title: 'There is no such station.' }, { status: 404 })
      : Response.json(reading);
  },
);
