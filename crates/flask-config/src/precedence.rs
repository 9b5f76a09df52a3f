//! The precedence of operators: each level reads its operands with the next one.

use crate::expression::{Expression, Shape};
use crate::parser::Parser;

impl Parser<'_, '_> {
    pub(crate) fn or(&mut self) -> Expression {
        self.words("or", Shape::Or, |parser| {
            parser.words("and", Shape::And, Self::not)
        })
    }

    /// Operands with a keyword between them.
    fn words(
        &mut self,
        word: &str,
        shape: fn(Vec<Expression>) -> Shape,
        operand: impl Fn(&mut Self) -> Expression,
    ) -> Expression {
        let (line, start) = self.place();
        let first = operand(self);
        if !self.is_word(word) {
            return first;
        }
        let mut operands = vec![first];
        while self.take_word(word) {
            operands.push(operand(self));
        }
        self.at_place(shape(operands), line, start)
    }

    fn not(&mut self) -> Expression {
        let (line, start) = self.place();
        let mut negations = 0_usize;
        while self.take_word("not") {
            negations += 1;
        }
        let value = self.compare();
        if negations == 0 {
            return value;
        }
        let shape = Shape::Not(Box::new(value));
        let once = self.at_place(shape, line, start);
        if negations % 2 == 1 {
            return once;
        }
        self.at_place(Shape::Not(Box::new(once)), line, start)
    }

    fn compare(&mut self) -> Expression {
        let (line, start) = self.place();
        let left = self.bits();
        let op = match self.take_any(&["==", "!=", "<=", ">=", "<", ">"]) {
            Some(op) => op,
            None if self.take_word("in") => "in",
            None if self.take_word("is") => "is",
            None => return left,
        };
        let right = self.bits();
        let shape = Shape::Compare(Box::new(left), op, Box::new(right));
        self.at_place(shape, line, start)
    }

    fn bits(&mut self) -> Expression {
        self.chain(&["|"], |parser| {
            parser.chain(&["+", "-"], |parser| {
                parser.chain(&["*", "//", "/", "%"], Self::signed)
            })
        })
    }

    fn chain(
        &mut self,
        ops: &[&'static str],
        operand: impl Fn(&mut Self) -> Expression,
    ) -> Expression {
        let (line, start) = self.place();
        let first = operand(self);
        let mut rest = Vec::new();
        while let Some(op) = self.take_any(ops) {
            rest.push((op, operand(self)));
        }
        if rest.is_empty() {
            return first;
        }
        self.at_place(Shape::Chain(Box::new(first), rest), line, start)
    }

    fn signed(&mut self) -> Expression {
        let (line, start) = self.place();
        let mut negative = false;
        while let Some(sign) = self.take_any(&["-", "+"]) {
            negative ^= sign == "-";
        }
        let value = self.steps();
        if !negative {
            return value;
        }
        self.at_place(Shape::Negative(Box::new(value)), line, start)
    }
}
