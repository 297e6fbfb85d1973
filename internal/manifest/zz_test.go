package manifest
import ("testing";"strings";"time")
func TestZZ(t *testing.T){
 n:=1<<20
 for name,s:=range map[string]string{
  "flow":"secrets: ["+strings.Repeat("a,",n/2-10),
  "flowclosed":"secrets: ["+strings.Repeat("a,",n/2-10)+"]",
  "items":"secrets:\n"+strings.Repeat("- a\n",n/4-10),
  "keys":strings.Repeat("a:\n",n/3-10),
  "quote":"a: \""+strings.Repeat("x",n-10),
  "quotes":"a: ["+strings.Repeat("'',",n/3-10),
  "plain":"a: "+strings.Repeat("x y\n  ",n/6-10),
  "plain1":"a: "+strings.Repeat("x",n-10),
  "spaces":strings.Repeat(" ",n-10),
  "nl":strings.Repeat("\n",n-10),
  "lit":"a: |\n"+strings.Repeat(" x\n",n/3-10),
  "fold":"a: >\n"+strings.Repeat(" x\n",n/3-10),
  "comments":strings.Repeat("#\n",n/2-10)+"a: 1",
  "colons":strings.Repeat(":",n-10),
  "flowmap":"a: {"+strings.Repeat("a:b,",n/4-10)+"}",
  "anchors":strings.Repeat("&",n-10),
  "unknownlit":strings.Repeat("ab: |\n  x\n",n/10-10),
  "realsecrets":"secrets:\n"+strings.Repeat("- {name: A, to: [{repositories: [acme/x]}]}\n",n/45),
  "bad":"secrets:\n"+strings.Repeat("- {name: A, tx: [{repositories: [acme/x]}]}\n",n/45),
  "questions":strings.Repeat("? a\n",n/4-10),
  "dquotes":strings.Repeat("\"a\": \"b\"\n",n/9-10),
 }{ st:=time.Now(); _,err:=Parse("m",[]byte(s)); d:=time.Since(st); st=time.Now(); if err!=nil {_=err.Error()}; t.Log(name,d,time.Since(st), err==nil)}
}
