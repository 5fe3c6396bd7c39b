# kind: notebook
# style: nearly everything in one cell, global names, semicolons, print leftovers; sum of batch means over N, as the practical does
# %%
%matplotlib inline
%config InlineBackend.figure_format = 'retina'
import torch; from torch import nn; from helper_functions import *

# %%
Xtr,Ytr=read_npz('data/train.npz'); Xte,Yte=read_npz('data/test.npz')
print(Xtr.shape,Ytr.shape,Xte.shape,Yte.shape)

class CNN(nn.Module):
    def __init__(s):
        super().__init__()
        s.c=nn.Conv2d(1,10,8,2); s.r=nn.ReLU(); s.d=nn.Linear(1210,10)
    def forward(s,x):
        z=s.c(x.view(-1,1,28,28)); v=s.r(z); u=v.view(-1,1210)
        #print(z.shape, v.shape, u.shape)
        return s.d(u),z,v

m=CNN(); C=nn.CrossEntropyLoss(); o=torch.optim.SGD(m.parameters(),lr=1e-2)
#print(m(Xtr[0]))

for e in range(10):
    ltr=lte=htr=hte=0
    for i in range(0,len(Xtr),30):
        x,y=Xtr[i:i+30],Ytr[i:i+30]
        t=nn.functional.one_hot(y,10)*1.
        yh,z,v=m(x); l=C(yh,t)
        o.zero_grad(); l.backward(); o.step()
        ltr+=float(l); htr+=hits(yh,y)
    for i in range(0,len(Xte),30):
        x,y=Xte[i:i+30],Yte[i:i+30]
        t=nn.functional.one_hot(y,10)*1.
        with torch.no_grad(): yh,z,v=m(x); l=C(yh,t)
        lte+=float(l); hte+=hits(yh,y)
    print(e+1,ltr/len(Xtr),htr/len(Xtr),lte/len(Xte),hte/len(Xte))

# %%
yh,z,v=m(Xte[0]); plot_filters(Xte[0],m.c.weight,z,v)
