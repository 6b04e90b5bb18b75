-- 销号与入库, further: the gate before a voucher (art. 35(5), 37) stands in the record, too; corrections (art. 21) are whole before the province books; and
-- large days are read by office.

ALTER TABLE write_off
  DROP KEY by_day,
  ADD KEY by_group (bank_code, accounting_date, office_code, treasury_code);

ALTER TABLE summary_voucher
  ADD KEY by_deadline (deadline);

-- Whoever undoes a write-off or closes the books locks this row first.
INSERT INTO counter (name, next) VALUES ('books', 1);

DROP TRIGGER summary_voucher_sum;

CREATE TRIGGER summary_voucher_sum BEFORE INSERT ON summary_voucher FOR EACH ROW BEGIN
  IF NOT EXISTS (SELECT 1 FROM summary_voucher_line l JOIN write_off w ON w.ticket_no = l.ticket_no WHERE l.summary_no = NEW.summary_no
      HAVING SUM(l.amount) = NEW.amount AND COUNT(*) = NEW.tickets
        AND SUM(w.office_code = NEW.office_code AND w.treasury_code = NEW.treasury_code AND w.bank_code = NEW.bank_code
          AND w.accounting_date = NEW.accounting_date) = NEW.tickets) THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'a voucher is the sum of its tickets';
  END IF;
  IF NOT EXISTS (SELECT 1 FROM reconciliation r WHERE r.bank_code = NEW.bank_code AND r.accounting_date = NEW.accounting_date
      AND r.kind = 'day-end' AND r.state = 'balanced'
      AND r.session = (SELECT MAX(l.session) FROM reconciliation l WHERE l.bank_code = NEW.bank_code AND l.accounting_date = NEW.accounting_date
        AND l.kind = 'day-end' AND l.state <> 'withdrawn')) THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'no voucher before its day is balanced';
  END IF;
  IF EXISTS (SELECT 1 FROM summary_voucher_line l JOIN break x ON x.ticket_no = l.ticket_no WHERE l.summary_no = NEW.summary_no
      AND IF(x.source = 'file', x.state NOT IN ('confirmed', 'superseded'), x.closed_at IS NULL)) THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'no voucher while a break of its tickets is open';
  END IF;
END;

DROP TRIGGER province_booking_begins;

CREATE TRIGGER province_booking_begins BEFORE INSERT ON province_booking FOR EACH ROW BEGIN
  IF NOT EXISTS (SELECT 1 FROM proposal p WHERE p.id = NEW.proposal_id AND p.kind = 'close-books' AND p.state = 'approved') THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'the books are closed by two persons';
  END IF;
  IF EXISTS (SELECT 1 FROM province_booking b WHERE b.through >= NEW.through) THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'books that are closed stay closed';
  END IF;
  IF EXISTS (SELECT 1 FROM write_off_undo u JOIN summary_voucher_line l ON l.ticket_no = u.ticket_no
      JOIN voucher_event e ON e.summary_no = l.summary_no AND e.event = 'received'
      WHERE e.on_date <= NEW.through AND NOT EXISTS (SELECT 1 FROM ticket_reissue n WHERE n.ticket_no = u.ticket_no)) THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'a correction is whole before it is booked';
  END IF;
END;
