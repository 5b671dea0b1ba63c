import { answer } from '../../lib/answer';
export const dynamic = 'force-dynamic';

export const GET = () => answer({ open: true });
