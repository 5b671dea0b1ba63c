import { BadRequestException, Injectable, type PipeTransform } from '@nestjs/common';

const LONGEST_REPORT = 280;

/** The text of a report out of a body that may be anything. */
@Injectable()
export class ReportTextPipe implements PipeTransform<unknown, string> {
  transform(body: unknown): string {
    const text =
      typeof body === 'object' && body !== null && 'text' in body ? body.text : undefined;
    if (typeof text !== 'string' || text.trim() === '' || text.length > LONGEST_REPORT) {
      throw new BadRequestException(`A report is text of at most ${LONGEST_REPORT} characters.`);
    }
    return text.trim();
  }
}
