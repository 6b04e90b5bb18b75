-- 账户: an account becomes exactly what two administrators approved, and no decision is used twice: neither for something else, nor to go back to
-- what an earlier one said. Who gives rights, and who looks on, has no other duty.
ALTER TABLE operator ADD CONSTRAINT operator_duties CHECK (duties <> '' AND (duties IN ('auditor', 'administrator')
  OR (FIND_IN_SET('auditor', duties) = 0 AND FIND_IN_SET('administrator', duties) = 0)));

DROP TRIGGER operator_begins;

CREATE TRIGGER operator_begins BEFORE INSERT ON operator FOR EACH ROW BEGIN
  IF NEW.proposal_id IS NULL THEN
    IF (SELECT COUNT(*) FROM operator o WHERE o.state = 'enabled' AND FIND_IN_SET('administrator', o.duties) > 0) >= 2 THEN
      SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'an account is made by two administrators';
    END IF;
  ELSEIF NEW.state <> 'enabled' OR NOT EXISTS (SELECT 1 FROM proposal p WHERE p.id = NEW.proposal_id AND p.kind = 'add-operator' AND p.state = 'approved'
      AND p.subject = NEW.name
      AND JSON_UNQUOTE(JSON_EXTRACT(p.content, '$.name')) = NEW.name
      AND JSON_UNQUOTE(JSON_EXTRACT(p.content, '$.displayName')) = NEW.display_name
      AND JSON_UNQUOTE(JSON_EXTRACT(p.content, '$.officeCode')) = NEW.office_code
      AND JSON_UNQUOTE(JSON_EXTRACT(p.content, '$.duties')) = NEW.duties) THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'an account is made by two administrators';
  END IF;
END;

DROP TRIGGER operator_changes;

CREATE TRIGGER operator_changes BEFORE UPDATE ON operator FOR EACH ROW BEGIN
  IF NEW.name <> OLD.name OR NEW.created_at <> OLD.created_at THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'the name of an account is never changed';
  END IF;
  IF NOT (NEW.display_name = OLD.display_name AND NEW.office_code = OLD.office_code AND NEW.duties = OLD.duties AND NEW.state = OLD.state
      AND NEW.proposal_id <=> OLD.proposal_id)
      AND (COALESCE(NEW.proposal_id, 0) <= COALESCE(OLD.proposal_id, 0) OR NOT EXISTS (
      SELECT 1 FROM proposal p WHERE p.id = NEW.proposal_id AND p.kind = 'change-operator' AND p.state = 'approved'
      AND p.subject = NEW.name
      AND JSON_UNQUOTE(JSON_EXTRACT(p.content, '$.name')) = NEW.name
      AND JSON_UNQUOTE(JSON_EXTRACT(p.content, '$.displayName')) = NEW.display_name
      AND JSON_UNQUOTE(JSON_EXTRACT(p.content, '$.officeCode')) = NEW.office_code
      AND JSON_UNQUOTE(JSON_EXTRACT(p.content, '$.duties')) = NEW.duties
      AND JSON_UNQUOTE(JSON_EXTRACT(p.content, '$.state')) = NEW.state)) THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'an account is changed by two administrators';
  END IF;
END;
